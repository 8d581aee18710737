"""A run of the laboratory as a person starts it, and what it leaves in the process table."""

import os
import re
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime import proc
from runtime.local.plan import LAB
from tests.conftest import ROOT

# Every process of a run inherits this variable. Docker does not matter here, so the run finds no engine.
MARK = f"TWOGATES_TEST_RUN={os.getpid()}"
ENVIRONMENT = {"PATH": os.environ["PATH"], "DOCKER_HOST": "tcp://127.0.0.1:1", **dict([MARK.split("=")])}
# Six short windows with 8 users, on one service after another, without a pair of equal services first.
LIGHT = ("--experiments", "middleware")
LONGEST_SILENCE_SECONDS = 120.0


class Laboratory:
    """A run in progress, as in a terminal: its progress is one line that changes. ``said`` is the whole output so far."""

    def __init__(self, results: Path, *arguments: str) -> None:
        self.results = results
        command = [sys.executable, "-m", "loadtest", "lab", *arguments, "--results", str(results)]
        self.terminal, theirs = os.openpty()
        # A pipe that is not read in the meantime would block the run.
        self.out = tempfile.TemporaryFile("w+")  # noqa: SIM115
        # Its own session: a signal of this test reaches only its target.
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**ENVIRONMENT, "TERM": "xterm", "COLUMNS": "300"},
            stdout=self.out,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.shown = ""

    @property
    def said(self) -> str:
        """All output so far, without cursor movements."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.shown)

    def until(self, *texts: str) -> None:
        """Read until one line contains all of ``texts``."""
        since = len(self.said)
        while not any(all(text in line for text in texts) for line in re.split(r"[\r\n]+", self.said[since:])):
            assert self.read(), f"it never said {texts}: {self.said}"

    def read(self) -> bool:
        """Read the next output; return whether there may be more."""
        if not select.select([self.terminal], [], [], LONGEST_SILENCE_SECONDS)[0]:
            return False
        try:
            more = os.read(self.terminal, 65536)
        except OSError:  # how a terminal ends whose other side is closed
            return False
        self.shown += more.decode(errors="replace")
        return bool(more)

    def end(self) -> tuple[int, str, str]:
        """Wait for the end; return the exit status, standard output, and all of standard error."""
        while self.read():
            pass
        self.process.wait(timeout=60)
        self.out.seek(0)
        return self.process.returncode, self.out.read(), self.said

    @property
    def reports(self) -> list[Path]:
        """Everything below the folder of results."""
        return list(self.results.rglob("*"))


@contextmanager
def laboratory(results: Path, *arguments: str) -> Iterator[Laboratory]:
    """Yield a run. Kill by process id what a failed test leaves of it."""
    run = Laboratory(results, *arguments)
    try:
        yield run
    finally:
        for pid in left():
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                continue
        run.process.wait()
        os.close(run.terminal)
        run.out.close()


def left() -> list[int]:
    """Return the processes of these tests' runs.

    Nginx overwrites its environment with its title, so it is recognised by its folder in the laboratory.
    """
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            ours = MARK.encode() in (entry / "environ").read_bytes().split(b"\0")
            if ours or (str((entry / "cwd").readlink()).startswith(f"{LAB}/") and is_nginx(entry)):
                found.append(int(entry.name))
        except OSError:  # ended in the meantime, or another user's
            continue
    return found


def is_nginx(entry: Path) -> bool:
    return (entry / "cmdline").read_bytes().startswith(b"nginx:")


def server(service: str) -> int:
    """Return the process id of a running service: Gunicorn's own process, or Daphne."""
    folder = ROOT / "services" / service
    pids = [pid for pid in left() if Path(f"/proc/{pid}/cwd").readlink() == folder]
    return next(pid for pid in pids if int(proc.stat_fields(pid)[1]) not in pids)


def soon(condition: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Return whether a condition becomes true within ``seconds``.

    A process that was killed, or whose reader is gone, ends a moment later.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True

"""A run of the laboratory as a person starts it, and what is left of it in the process table."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts import proc
from scripts.local_plan import LAB
from tests.conftest import ROOT

# Every process of a run inherits it. What Docker does is no matter here, so no engine is found.
MARK = f"TWOGATES_TEST_RUN={os.getpid()}"
ENVIRONMENT = {"PATH": os.environ["PATH"], "DOCKER_HOST": "tcp://127.0.0.1:1", **dict([MARK.split("=")])}
# Six short windows, of 8 users on one service after another; no pair of equal services before.
LIGHT = ("--experiments", "middleware")


class Laboratory:
    """A run that is under way; ``lines`` is what it said so far."""

    def __init__(self, results: Path, *arguments: str) -> None:
        self.results = results
        command = [sys.executable, "-m", "loadtest", "lab", *arguments, "--results", str(results)]
        # Its own session: a signal of this test reaches what it is meant for, and nothing else.
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        self.lines: list[str] = []

    def until(self, text: str) -> str:
        """Read until it says a line with ``text``; that line."""
        assert self.process.stderr
        for line in self.process.stderr:
            self.lines.append(line)
            if text in line:
                return line
        raise AssertionError(f"it never said {text!r}: " + "".join(self.lines))

    def end(self) -> tuple[int, str, str]:
        """Wait for its end: exit status, standard output, and all of standard error."""
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, "".join(self.lines) + err

    @property
    def reports(self) -> list[Path]:
        """Everything below the folder of results."""
        return list(self.results.rglob("*"))


@contextmanager
def laboratory(results: Path, *arguments: str) -> Iterator[Laboratory]:
    """A run; whatever a failed test leaves of it is ended by process id."""
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


def left() -> list[int]:
    """Processes of a run of these tests. Nginx writes its title over its environment; it works in a folder of the laboratory."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            ours = MARK.encode() in (entry / "environ").read_bytes().split(b"\0")
            if ours or (str((entry / "cwd").readlink()).startswith(f"{LAB}/") and is_nginx(entry)):
                found.append(int(entry.name))
        except OSError:  # ended since, or another user's
            continue
    return found


def is_nginx(entry: Path) -> bool:
    return (entry / "cmdline").read_bytes().startswith(b"nginx:")


def server(service: str) -> int:
    """The process id of a service that runs now: of Gunicorn's own process, or of Daphne."""
    folder = ROOT / "services" / service
    pids = [pid for pid in left() if Path(f"/proc/{pid}/cwd").readlink() == folder]
    return next(pid for pid in pids if int(proc.stat_fields(pid)[1]) not in pids)


def soon(condition: Callable[[], bool], seconds: float = 15.0) -> bool:
    """Whether it becomes true: what was killed, or has nobody to write to any more, ends a moment later."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True

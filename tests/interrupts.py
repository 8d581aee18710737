"""Programs started as make starts them from a shell that ignores Ctrl-C for them, as a shell does for background jobs."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from runtime import proc
from tests.conftest import ROOT


def ignore() -> None:
    """Ignore the signals in the child, before it runs the program."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def background(*words: str, **more: str) -> Iterator[subprocess.Popen[str]]:
    """Run ``runtime/venv.py none -m WORDS`` with SIGINT and SIGTERM ignored, an empty standard input, and stderr merged into stdout."""
    command = [sys.executable, "runtime/venv.py", "none", "-m", *words]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **more},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=ignore,
    )
    with process:
        try:
            yield process
        finally:
            for pid in reversed(proc.tree(process.pid) if process.poll() is None else []):
                os.kill(pid, signal.SIGKILL)


def read_until(process: subprocess.Popen[str], text: str) -> None:
    """Read the output up to a line that contains ``text``."""
    assert process.stdout
    printed = ""
    for line in process.stdout:
        printed += line
        if text in line:
            return
    raise AssertionError(f"it never said {text!r}: {printed}")


def interrupt(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Send SIGINT. Return the exit status and the rest of the output, after checking that no process of its tree is left."""
    pids = proc.tree(process.pid)
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert proc.alive(pids) == []
    return process.returncode, rest

"""Watchdog: stop what the laboratory started if the laboratory itself is killed, and so cannot do it.

This small separate process reads a pipe from the laboratory, which sends the process id of each server. If the pipe closes without
a final word, the servers are orphans, and the watchdog stops them.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gevent.monkey import get_original

from runtime.compose_file import ROOT

GRACE_SECONDS = 5
DONE = "done"
_pipe: int | None = None


@contextmanager
def watchdog() -> Iterator[None]:
    """Run the watchdog for the duration of the block."""
    global _pipe
    ours, theirs = os.pipe()[::-1]
    process = subprocess.Popen([sys.executable, "-m", "loadtest.engine.watchdog"], cwd=ROOT, stdin=theirs, start_new_session=True)
    os.close(theirs)
    _pipe = ours
    try:
        yield
    finally:
        _pipe = None
        with suppress(OSError):
            os.write(ours, f"{DONE}\n".encode())
        # The system's own close. gevent's waits for a turn of its event loop, which may itself wait for the end of the watchdog.
        get_original("os", "close")(ours)
        process.wait()


def keep(word: str) -> None:
    """Register a process group with the watchdog, if one runs. For a Compose project, ``word`` is ``project NAME``."""
    if _pipe is not None:
        os.write(_pipe, f"{word}\n".encode())


def main() -> None:
    """Read until the pipe closes; then stop everything that was registered, unless the last word was ``done``."""
    told = [line.strip() for line in sys.stdin]
    if told and told[-1] == DONE:
        return
    groups = [int(word) for word in told if word.isdigit()]
    for sent in (signal.SIGTERM, signal.SIGKILL):
        for group in groups:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, sent)
        deadline = time.monotonic() + GRACE_SECONDS
        while any(map(alive, groups)) and time.monotonic() < deadline:
            time.sleep(0.05)
    for project in {word.removeprefix("project ") for word in told if word.startswith("project ")}:
        subprocess.run(
            ["docker", "compose", "--project-name", project, "down", "--volumes", "--remove-orphans", "--timeout", "1"], capture_output=True
        )


def alive(group: int) -> bool:
    """Return whether a process of the group still exists."""
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return Path("/proc").exists()


if __name__ == "__main__":
    main()

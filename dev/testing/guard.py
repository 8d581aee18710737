"""Run a command and leave nothing of it running: python -m dev.testing.guard FILE COMMAND...

This process adopts every orphan of the command (PR_SET_CHILD_SUBREAPER), so a server that makes itself a daemon, or that writes
over its environment as Nginx does, is still found. Standard input is a pipe from the process that started this one: when the
pipe closes, that process is gone or gives up, and the command is ended. What the command left running is ended by process id and
listed in FILE, one a line; where the starting process is gone, the run's containers are removed too. Needs Linux; elsewhere the
command runs without a guard.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from dev.testing import place as test_place
from runtime import proc

SUBREAPER = 36  # prctl(2)
STARTER_GONE = threading.Event()
# What the command's own end may take, as to stop a stack; then what an orphan may take to end by itself; then after SIGTERM.
STOP_SECONDS, SETTLE_SECONDS, TERM_SECONDS = 60.0, 5.0, 15.0


def adopt_orphans() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(SUBREAPER, 1, 0, 0, 0)


def descendants() -> list[int]:
    """Processes that descend from this one and still run."""
    return proc.alive(proc.tree(os.getpid())[1:]) if proc.SUPPORTED else []


def reap() -> None:
    """Collect the orphans that have ended: a zombie would count as running for a program that waits for its end."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def wait_for(pid: int) -> int:
    """The exit status of the command; orphans that end meanwhile are collected too."""
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == pid:
            return os.waitstatus_to_exitcode(status)


def until_gone(seconds: float) -> list[int]:
    """Wait until no descendant runs, and for this long at most; those that do."""
    deadline = time.monotonic() + seconds
    while (found := descendants()) and time.monotonic() < deadline:
        reap()
        time.sleep(0.05)
    reap()
    return found


def signal_all(pids: list[int], number: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def end_left() -> list[str]:
    """End what the command left; a line for each process."""
    left = until_gone(SETTLE_SECONDS)
    lines = [f"process {pid}: {words(pid)}" for pid in left]
    signal_all(left, signal.SIGTERM)
    while still := until_gone(TERM_SECONDS if left else 0):
        signal_all(still, signal.SIGKILL)
    return lines


def words(pid: int) -> str:
    """The command line of a process, in short."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()[:200]
    return "ended since"


def end_when_closed(pid: int) -> None:
    """Interrupt the command when nothing holds the other end of the pipe, and kill everything that outlasts it."""
    while os.read(0, 1):
        pass
    STARTER_GONE.set()
    signal_all([pid], signal.SIGINT)
    time.sleep(STOP_SECONDS)
    signal_all(descendants(), signal.SIGKILL)


def main() -> int:
    """Run the command; its exit status."""
    file, command = Path(sys.argv[1]), sys.argv[2:]
    adopt_orphans()
    # Handlers and not SIG_IGN: what is ignored stays so in the command. SIGTERM of a whole session, as at a shutdown, is the end.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    signal.signal(signal.SIGTERM, lambda *_: signal_all([process.pid], signal.SIGINT))
    threading.Thread(target=end_when_closed, args=[process.pid], daemon=True).start()
    status = wait_for(process.pid)
    file.write_text("".join(f"{line}\n" for line in end_left()))
    if STARTER_GONE.is_set() and os.environ.get(test_place.MARK) == test_place.NAME and shutil.which("docker"):
        test_place.remove_containers()
        test_place.remove_images()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())

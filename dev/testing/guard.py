"""Run a command and end every process that it leaves running: python -m dev.testing.guard FILE COMMAND...

The guard adopts every orphan of the command (PR_SET_CHILD_SUBREAPER). It therefore also finds a server that becomes a daemon, or that
overwrites its environment as Nginx does. Standard input is a pipe from the process that started the guard. When the pipe closes, that
process has ended or given up, and the guard ends the command. It ends the command's remaining processes by process id and lists them
in FILE, one per line. If the starting process is gone, it also removes the run's containers and images. Needs Linux; elsewhere the
command runs without this protection.
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
# Time limits: for the command to shut down (it may have to stop a stack), for orphans to end by themselves, and after SIGTERM.
STOP_SECONDS, SETTLE_SECONDS, TERM_SECONDS = 60.0, 5.0, 15.0


def adopt_orphans() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(SUBREAPER, 1, 0, 0, 0)


def descendants() -> list[int]:
    """Return the ids of this process's descendants that still run."""
    return proc.alive(proc.tree(os.getpid())[1:]) if proc.SUPPORTED else []


def reap() -> None:
    """Reap the orphans that have ended: to a program that waits for its end, a zombie looks like a running process."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def wait_for(pid: int) -> int:
    """Wait for the command and return its exit status; also reap orphans that end meanwhile."""
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == pid:
            return os.waitstatus_to_exitcode(status)


def until_gone(seconds: float) -> list[int]:
    """Wait until no descendant runs, at most for ``seconds``; return those that still run."""
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
    """End the processes that the command left; return a line for each."""
    left = until_gone(SETTLE_SECONDS)
    lines = [f"process {pid}: {words(pid)}" for pid in left]
    signal_all(left, signal.SIGTERM)
    while still := until_gone(TERM_SECONDS if left else 0):
        signal_all(still, signal.SIGKILL)
    return lines


def words(pid: int) -> str:
    """Return a process's command line, shortened."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()[:200]
    return "ended since"


def end_when_closed(pid: int) -> None:
    """Interrupt the command when the other end of the pipe closes; kill all processes that run after the time limit."""
    while os.read(0, 1):
        pass
    STARTER_GONE.set()
    signal_all([pid], signal.SIGINT)
    time.sleep(STOP_SECONDS)
    signal_all(descendants(), signal.SIGKILL)


def main() -> int:
    """Run the command; return its exit status."""
    file, command = Path(sys.argv[1]), sys.argv[2:]
    adopt_orphans()
    # Handlers and not SIG_IGN: the command would inherit an ignored signal. SIGTERM, which a shutdown sends, interrupts the command.
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

"""Orphans of a killed stack of this checkout: processes that its Supervisor can no longer stop. Linux only."""

import os
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

from runtime.checkout import ROOT, SOCKET

RUN = ROOT / ".run"
SUPERVISOR = f"SUPERVISOR_SERVER_URL=unix://{SOCKET}".encode()
# These programs overwrite their environment with a title; their working folder identifies them. The laboratory uses other folders.
TITLED, FOLDERS = ("nginx", "postgres", "valkey-server"), (RUN, RUN / "nginx", RUN / "postgres")
PATIENCE_SECONDS = 10


def orphans() -> dict[int, str]:
    """Return the processes that this checkout's Supervisor started, if that Supervisor is gone: names by process id."""
    found = {pid: name for pid, name in ours().items() if pid != os.getpid()}
    return {} if supervisor_runs() else found


def supervisor_runs() -> bool:
    """Return whether a Supervisor of this checkout listens."""
    with socket.socket(socket.AF_UNIX) as asked:
        try:
            asked.connect(str(SOCKET))
        except OSError:
            return False
    return True


def ours() -> dict[int, str]:
    """Return every process that a Supervisor of this checkout started: names by process id."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*") if sys.platform == "linux" else ():
        with suppress(OSError):
            name = (entry / "comm").read_text().strip()
            in_folder = name in TITLED and (entry / "cwd").readlink() in FOLDERS
            if in_folder or SUPERVISOR in (entry / "environ").read_bytes().split(b"\0"):
                found[int(entry.name)] = name
    return found


def end() -> dict[int, str]:
    """Send SIGTERM to the orphans, then SIGKILL to those that remain. Return their names by process id."""
    found = orphans()
    deadline = time.monotonic() + PATIENCE_SECONDS
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in orphans():
            with suppress(OSError):
                os.kill(pid, number)
        while orphans() and time.monotonic() < deadline:
            time.sleep(0.05)
        deadline += PATIENCE_SECONDS
    return found

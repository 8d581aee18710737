"""Isolation of a test run: its own name for Docker and in the process table, its own ports, and the check that nothing remains.

The name depends on the checkout's path. Two clones can therefore test at the same time, and a run finds the orphans of a killed run
in the same checkout.
"""

import fcntl
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from runtime import ports, proc
from runtime.compose_file import ROOT
from runtime.console import console, fail
from runtime.local import orphans

NAME = f"twogates-test-{hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]}"
MARK = "TWOGATES_TESTS"  # also in tests/machine_load.py
LOCK = ROOT / ".run" / "tests.lock"
# Below the kernel's ephemeral ports. A stack uses about a dozen ports from LOCAL_PORT on.
FIRST, LAST, IN_A_ROW = 10_000, 30_000, 40
PATIENCE_SECONDS = 10.0
KINDS = {"container": ["ps", "--all"], "network": ["network", "ls"], "volume": ["volume", "ls"]}


@contextmanager
def alone() -> Iterator[None]:
    """Hold this checkout's lock, since two runs would share the folder .run."""
    LOCK.parent.mkdir(exist_ok=True)
    with LOCK.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fail("The tests of this checkout run already. Wait for their end, or use another clone")
        yield


def environment() -> dict[str, str]:
    """Return variables that give a stack its own ports, Compose project and image tags."""
    first = free_ports()
    return {
        "COMPOSE_PROJECT_NAME": NAME,
        "TAG": NAME,
        "HTTP_PORT": str(first),
        "HTTPS_PORT": str(first + 1),
        "LOCUST_PORT": str(first + 2),
        "LOCAL_PORT": str(first + 3),
    }


def free_ports() -> int:
    """Return the first of IN_A_ROW consecutive free ports. The start of the search depends on the checkout."""
    rows = (LAST - FIRST) // IN_A_ROW
    start = int(NAME.rpartition("-")[2], 16) % rows
    for row in range(rows):
        first = FIRST + (start + row) % rows * IN_A_ROW
        if all(ports.why_not("127.0.0.1", port) is None for port in range(first, first + IN_A_ROW)):
            return first
    return fail(f"No {IN_A_ROW} ports in a row are free between {FIRST} and {LAST}. Stop what listens there")


def marked() -> list[int]:
    """Return the ids of processes of an earlier run in this checkout, found by a variable in their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*") if sys.platform == "linux" else ():
        with suppress(OSError):
            if int(entry.name) != os.getpid() and f"{MARK}={NAME}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return proc.alive(found)


def end_earlier_run(docker: bool) -> None:
    """End the orphans of a run that was killed together with its guard."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    first = marked()
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in marked():
            with suppress(OSError):
                os.kill(pid, number)
        while marked() and time.monotonic() < deadline:
            time.sleep(0.05)
        deadline += PATIENCE_SECONDS
    lines = [f"process {pid}" for pid in first] + [f"{name} (process {pid})" for pid, name in orphans.end().items()]
    for line in [*lines, *(remove_containers() if docker else [])]:
        console.print(f"Left by an earlier run of the tests, and ended now: {line}", markup=False)


def remove_containers() -> list[str]:
    """Remove what Docker has under this run's name; return a line for each container, network and volume."""
    lines = []
    for kind, words in KINDS.items():
        shown = '{{.Label "com.docker.compose.project"}}\t' + ("{{.Names}}" if kind == "container" else "{{.Name}}")
        for line in docker(*words, "--format", shown).splitlines():
            project, _, name = line.partition("\t")
            if project == NAME or project.startswith(f"{NAME}-") or name.startswith(f"{NAME}-"):
                docker(kind, "rm", "--force", name)
                lines.append(f"{kind} {name}")
    return lines


def remove_images() -> None:
    """Remove this run's images. Their layers stay in Docker's build cache, so the next build takes seconds."""
    names = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").splitlines()
    if ours := [name for name in names if NAME in name]:
        docker("image", "rm", "--force", *ours)


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, timeout=120).stdout


def listeners(given: dict[str, str]) -> list[str]:
    """Return a line for each of the run's ports that a process listens on."""
    found = []
    for name, first in given.items():
        if name.endswith("_PORT"):
            for port in range(int(first), int(first) + (20 if name == "LOCAL_PORT" else 1)):
                if ports.why_not("127.0.0.1", port):
                    found.append(f"port {port} ({name}), by {ports.holder(port)}")
    return found

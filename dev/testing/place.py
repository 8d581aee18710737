"""What a test run has to itself: a name for Docker and for the process table, ports, and the check that all of it is gone.

The name belongs to the checkout. So two clones test at the same time, and a run finds what a killed one of the same checkout left.
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
MARK = "TWOGATES_TESTS"  # tests/machine_load.py
LOCK = ROOT / ".run" / "tests.lock"
# Below the ports that the kernel gives to connections. A stack has about a dozen processes from LOCAL_PORT on.
FIRST, LAST, IN_A_ROW = 10_000, 30_000, 40
PATIENCE_SECONDS = 10.0
KINDS = {"container": ["ps", "--all"], "network": ["network", "ls"], "volume": ["volume", "ls"]}


@contextmanager
def alone() -> Iterator[None]:
    """Hold this checkout's lock: two runs would share the folder .run."""
    LOCK.parent.mkdir(exist_ok=True)
    with LOCK.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fail("The tests of this checkout run already. Wait for their end, or use another clone")
        yield


def environment() -> dict[str, str]:
    """Variables that give a stack ports, a Compose project and image tags that no other stack has."""
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
    """Return the first of a row of ports that nothing listens on. Each checkout begins to look at another place."""
    rows = (LAST - FIRST) // IN_A_ROW
    start = int(NAME.rpartition("-")[2], 16) % rows
    for row in range(rows):
        first = FIRST + (start + row) % rows * IN_A_ROW
        if all(ports.why_not("127.0.0.1", port) is None for port in range(first, first + IN_A_ROW)):
            return first
    return fail(f"No {IN_A_ROW} ports in a row are free between {FIRST} and {LAST}. Stop what listens there")


def marked() -> list[int]:
    """Processes of an earlier run of this checkout, by what is in their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*") if sys.platform == "linux" else ():
        with suppress(OSError):
            if int(entry.name) != os.getpid() and f"{MARK}={NAME}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return proc.alive(found)


def end_earlier_run(docker: bool) -> None:
    """End what a run that was killed, and its guard with it, has left."""
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
    """Remove what Docker has under this run's name; a line for each container, network and volume."""
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
    """Remove the images of this run. What they were built from stays in Docker's cache, so the next build takes seconds."""
    names = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").splitlines()
    if ours := [name for name in names if NAME in name]:
        docker("image", "rm", "--force", *ours)


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, timeout=120).stdout


def listeners(given: dict[str, str]) -> list[str]:
    """A line for each port of the run that something listens on."""
    found = []
    for name, first in given.items():
        if name.endswith("_PORT"):
            for port in range(int(first), int(first) + (20 if name == "LOCAL_PORT" else 1)):
                if ports.why_not("127.0.0.1", port):
                    found.append(f"port {port} ({name}), by {ports.holder(port)}")
    return found

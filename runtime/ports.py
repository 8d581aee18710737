"""Check whether a port of this machine is free, and find the process that holds it if not."""

import errno
import pwd
import shutil
import socket
import subprocess
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LISTENS = "0A"  # the state LISTEN in /proc/net/tcp
HIGHEST = 65535
FURTHER = 1000  # the distance from a port to the one suggested in its place


@dataclass(frozen=True)
class Holder:
    """The listener on a port, as far as this user can see it: name and process id; of a container, its Compose checkout and project."""

    name: str
    pid: int | None = None
    folder: str = ""
    project: str = ""

    def __str__(self) -> str:
        return f"{self.name} (process {self.pid})" if self.pid else self.name


def why_not(address: str, port: int) -> OSError | None:
    """Return the error that prevents a server from listening there, ``None`` if it can."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.strip("[]"), port))
        except OSError as error:
            return error
    return None


def sentence(address: str, port: int, variable: str) -> str | None:
    """Return a message with the fault, the holder of the port and the variable that changes it; ``None`` if the port is usable."""
    error = why_not(address, port)
    if error is None:
        return None
    found = holder(port) if error.errno == errno.EADDRINUSE else None
    by = f"{error.strerror}, by {found}" if found else error.strerror
    return f"Port {port} on {address} cannot be used ({by}). Choose another: make up {variable}={another(address, port)}"


def another(address: str, port: int) -> int:
    """Return a free port with 11 more free ports above it, as many as a stack needs in a row."""
    candidates: list[int] = [*range(port + FURTHER, HIGHEST - 20, FURTHER), *range(20_000, 30_000, 100)]
    for number in candidates:
        if all(why_not(address, number + more) is None for more in range(12)):
            return number
    return port + 1


def holder(port: int) -> Holder | None:
    """Return the listener on a port of any address: a container, a process, or at least its user. ``None`` if it has just ended."""
    return container(port) or (in_proc(port) if Path("/proc/net/tcp").exists() else by_lsof(port))


def container(port: int) -> Holder | None:
    """Return the container that publishes the port."""
    with suppress(OSError, subprocess.SubprocessError):
        shown = '{{.Names}}\t{{.Label "com.docker.compose.project.working_dir"}}\t{{.Label "com.docker.compose.project"}}'
        command = ["docker", "ps", "--filter", f"publish={port}", "--format", shown]
        for line in subprocess.run(command, capture_output=True, text=True, timeout=10).stdout.splitlines():
            name, folder, project = line.split("\t")
            return Holder(f"the container {name}", folder=folder, project=project)
    return None


def in_proc(port: int) -> Holder | None:
    """Find the listener in Linux's socket tables, and the process that has its socket open."""
    users: dict[str, int] = {}
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in Path("/proc/net", table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == LISTENS and int(fields[1].rpartition(":")[2], 16) == port:
                    users[f"socket:[{fields[9]}]"] = int(fields[7])
    found = [pid for pid in (int(entry.name) for entry in Path("/proc").glob("[0-9]*")) if opens(pid, users.keys())]
    for pid in sorted(found):  # a server and its workers share the socket: take the first of them
        with suppress(OSError):  # it has ended in the meantime
            return Holder(Path(f"/proc/{pid}/comm").read_text().strip(), pid)
    if found:
        return None
    for user in users.values():
        with suppress(KeyError):
            return Holder(f"a process of {pwd.getpwuid(user).pw_name}")
        return Holder("a process of another user")
    return None


def opens(pid: int, sockets: Collection[str]) -> bool:
    """Return whether a process has one of these sockets open; False for processes of other users, whose files are hidden."""
    try:
        return any(str(entry.readlink()) in sockets for entry in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


def by_lsof(port: int) -> Holder | None:
    """Find the listener with lsof where there is no /proc, as on macOS."""
    if shutil.which("lsof") is None:
        return None
    command = ["lsof", "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-Fpc"]
    fields = {line[0]: line[1:] for line in reversed(subprocess.run(command, capture_output=True, text=True).stdout.splitlines()) if line}
    return Holder(fields["c"], int(fields["p"])) if {"c", "p"} <= fields.keys() else None

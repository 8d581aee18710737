"""What the machine has: CPUs, memory, disk, open files, and its clock."""

import os
import re
import resource
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from ops.doctor.finding import DOCKER, LOCAL, RUNTIMES, Finding
from runtime import venv
from runtime.compose_file import ROOT, defaults, variables

# Of a start from nothing, as docs/first-run.md measures them: what .venv, .cache and .run have then, and what all processes
# have in memory while nobody asks anything.
DISK_MB, MEMORY_MB = 700, 600
FILES = 256  # with fewer, servers do not start
DAY = 86400


def findings() -> list[Finding]:
    """All of it."""
    return [cpus(), memory(), disk(), files(), clock()]


def settings() -> dict[str, str]:
    """Every variable's value."""
    return {**defaults(), **variables()}


def cpus() -> Finding:
    """As many as this process may use. Docker refuses a container more than the machine has."""
    sys.path.append(str(ROOT / "services" / "shared"))
    from twogates.server.cpus import cpus_given

    given, whole = cpus_given(), os.cpu_count() or 1
    largest = max((float(value), name) for name, value in settings().items() if name.endswith("_CPUS"))
    needed = "2 or more, so that load and services do not wait for each other"
    if largest[0] > whole:
        return Finding("CPUs", str(given), f"{largest[1]} asks for {largest[0]:g}", f"make up {largest[1]}={whole}", [DOCKER])
    fix = "" if given > 1 else "It works. Measure nothing here, or give the machine another CPU"
    return Finding("CPUs", str(given), needed, fix)


def memory() -> Finding:
    """What is free, in the machine and in the group of processes that a container or a session is."""
    values = settings()
    most = sum(megabytes(value) * replicas(name, values) for name, value in values.items() if name.endswith("_MEMORY"))
    most -= megabytes(values["LOCUST_MEMORY"])  # not of the stack
    free = min(free_memory(), default=None)
    needed = f"{MEMORY_MB} MB to start; up to {most} under load, by the limits of compose.yaml"
    if free is None:
        return Finding("memory", "cannot be seen here", needed)
    if free < MEMORY_MB:
        fix = "End other programs, or give the machine, its container or Docker Desktop more"
        return Finding("memory", f"{free} MB free", needed, fix, RUNTIMES)
    return Finding("memory", f"{free} MB free", needed, "It starts; under much load something may be ended" if free < most else "")


def free_memory() -> Iterator[int]:
    """Megabytes, by each of the limits that can be seen."""
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
        if found:
            yield int(found[1]) // 1024
    except OSError:
        pass
    for folder in groups(Path("/sys/fs/cgroup")):
        for most, used in (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")):
            try:
                yield max(0, int((folder / most).read_text()) - int((folder / used).read_text())) // 2**20
            except (OSError, ValueError):  # no such limit, or "max"
                continue


def groups(top: Path) -> set[Path]:
    """Those that bound this process, of either version of cgroups: its own and all above."""
    found = {top, top / "memory"}
    try:
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers in ("", "memory"):
                own = top / controllers / path.lstrip("/")
                found |= {own, *own.parents}
    except OSError:
        pass
    return {folder for folder in found if folder.is_relative_to(top)}


def megabytes(size: str) -> int:
    """A size of compose.yaml."""
    return int(size[:-1]) * {"m": 1, "g": 1024}.get(size[-1], 0)


def replicas(name: str, values: dict[str, str]) -> int:
    return int(values.get(name.replace("_MEMORY", "_REPLICAS"), 1))


def disk() -> Finding:
    """Where the checkout is: everything is made there but Docker's images."""
    free = shutil.disk_usage(ROOT).free // 10**6
    wanted = 100 if venv.made() and not venv.missing(["runtime", "services"]) else DISK_MB  # type: ignore[no-untyped-call]
    fix = "" if free >= wanted else "Make room there, or clone to another disk"
    return Finding("disk", f"{free} MB free where the checkout is", f"{wanted} MB", fix, RUNTIMES if fix else ())


def files() -> Finding:
    """Sockets are open files. The stack raises the soft limit where it may, up to the hard one."""
    wanted = int(re.findall(r"nofile: (\d+)", (ROOT / "compose.yaml").read_text())[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = sys.maxsize if hard == resource.RLIM_INFINITY else hard
    seen, needed = f"{soft}, at most {'unlimited' if most == sys.maxsize else most}", f"{wanted} at most, as containers have"
    if soft < FILES:
        return Finding("open files", seen, f"{FILES} to start", f"ulimit -n {min(most, wanted)}", [LOCAL])
    fix = f"It works with fewer connections. For more: a line 'nofile {wanted}' in /etc/security/limits.conf" if most < wanted else ""
    return Finding("open files", seen, needed, fix)


def clock() -> Finding:
    """Certificates are made for the time from now on, and those of package indexes are checked by it."""
    newest = max(file.stat().st_mtime for file in ROOT.glob("*.yaml"))
    fix = "Set it: sudo timedatectl set-ntp true" if time.time() < newest - DAY else ""
    return Finding("clock", time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "not before the checkout's own files", fix)

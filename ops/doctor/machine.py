"""Check the machine: CPUs, memory, disk, open files, and the clock."""

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

# For a first start, as measured in docs/first-run.md: the disk space of .venv, .cache and .run, and the memory of all processes
# while no client sends requests.
DISK_MB, MEMORY_MB = 700, 600
FILES = 256  # with fewer open files, servers do not start
DAY = 86400


def findings() -> list[Finding]:
    """Run all checks of this module."""
    return [cpus(), memory(), disk(), files(), clock()]


def settings() -> dict[str, str]:
    """Return the value of every variable."""
    return {**defaults(), **variables()}


def cpus() -> Finding:
    """Check the CPUs that this process may use. Docker does not start a container with a limit above the machine's CPUs."""
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
    """Check the free memory, of the machine and of the cgroup that a container or a session runs in."""
    values = settings()
    most = sum(megabytes(value) * replicas(name, values) for name, value in values.items() if name.endswith("_MEMORY"))
    most -= megabytes(values["LOCUST_MEMORY"])  # Locust is not part of the stack
    free = min(free_memory(), default=None)
    needed = f"{MEMORY_MB} MB to start; up to {most} under load, by the limits of compose.yaml"
    if free is None:
        return Finding("memory", "cannot be seen here", needed)
    if free < MEMORY_MB:
        fix = "End other programs, or give the machine, its container or Docker Desktop more"
        return Finding("memory", f"{free} MB free", needed, fix, RUNTIMES)
    return Finding("memory", f"{free} MB free", needed, "It starts; under much load something may be ended" if free < most else "")


def free_memory() -> Iterator[int]:
    """Yield the free megabytes under each limit that this process can read."""
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
            except (OSError, ValueError):  # no such file, or "max": no limit
                continue


def groups(top: Path) -> set[Path]:
    """Return the folders of all cgroups (version 1 or 2) that limit this process: its own and all parents."""
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
    """Return the megabytes of a size in compose.yaml."""
    return int(size[:-1]) * {"m": 1, "g": 1024}.get(size[-1], 0)


def replicas(name: str, values: dict[str, str]) -> int:
    return int(values.get(name.replace("_MEMORY", "_REPLICAS"), 1))


def disk() -> Finding:
    """Check the free space at the checkout, which holds everything except Docker's images."""
    free = shutil.disk_usage(ROOT).free // 10**6
    wanted = 100 if venv.made() and not venv.missing(["runtime", "services"]) else DISK_MB  # type: ignore[no-untyped-call]
    fix = "" if free >= wanted else "Make room there, or clone to another disk"
    return Finding("disk", f"{free} MB free where the checkout is", f"{wanted} MB", fix, RUNTIMES if fix else ())


def files() -> Finding:
    """Check the limit of open files, which includes sockets. The stack raises the soft limit as far as the hard limit allows."""
    wanted = int(re.findall(r"nofile: (\d+)", (ROOT / "compose.yaml").read_text())[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = sys.maxsize if hard == resource.RLIM_INFINITY else hard
    seen, needed = f"{soft}, at most {'unlimited' if most == sys.maxsize else most}", f"{wanted} at most, as containers have"
    if soft < FILES:
        return Finding("open files", seen, f"{FILES} to start", f"ulimit -n {min(most, wanted)}", [LOCAL])
    fix = f"It works with fewer connections. For more: a line 'nofile {wanted}' in /etc/security/limits.conf" if most < wanted else ""
    return Finding("open files", seen, needed, fix)


def clock() -> Finding:
    """Check the clock: new certificates are valid from its time, and pip needs it to verify a package index's certificate."""
    newest = max(file.stat().st_mtime for file in ROOT.glob("*.yaml"))
    fix = "Set it: sudo timedatectl set-ntp true" if time.time() < newest - DAY else ""
    return Finding("clock", time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "not before the checkout's own files", fix)

"""CPU time and memory of a process and its descendants, from Linux's /proc."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

SUPPORTED = sys.platform == "linux"
TICKS = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """A process id, and those of all its descendants."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int(stat_fields(int(entry.name))[1])
            except OSError:  # it ended since
                continue
    found = [pid]
    for known in found:  # grows while it is read
        found += [child for child, parent in parents.items() if parent == known]
    return found[:1] + sorted(found[1:])


def stat_fields(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name, which may hold spaces: state, parent, and so on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def alive(pids: list[int]) -> list[int]:
    """Those of these processes that still run; one that nobody waited for yet is a zombie and does not."""
    running = []
    for pid in pids:
        try:
            if stat_fields(pid)[0] not in "ZX":
                running.append(pid)
        except OSError:
            continue
    return running


def seconds_by_clock(pids: list[int]) -> float:
    """CPU seconds (user and system) of all threads of these processes, ended threads too, to the nanosecond.

    The clock that clock_getcpuclockid(3) names. It is the sum behind /proc/PID/schedstat, but schedstat forgets a
    thread when it ends, and async Django makes one for each request.
    """
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)


def seconds_by_ticks(pids: list[int]) -> float:
    """The same in ticks of mostly 10 ms, and with it children that ended."""
    return sum(sum(map(int, stat_fields(pid)[11:15])) for pid in pids) / TICKS


def choose_meter() -> tuple[Callable[[list[int]], float], str]:
    """The best of the two that works here, and its name."""
    try:
        seconds_by_clock([os.getppid()])
    except OSError:
        return seconds_by_ticks, f"/proc/PID/stat, in steps of {1000 // TICKS} ms"
    return seconds_by_clock, "the processes' CPU clocks, in nanoseconds"


def pss_mib(pids: list[int]) -> float:
    """Proportional set size in MiB: a page that several processes share counts in parts."""
    kib = 0
    for pid in pids:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        kib += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kib / 1024

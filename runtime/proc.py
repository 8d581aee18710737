"""CPU time and memory of a process and its descendants, from Linux's /proc."""

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

SUPPORTED = sys.platform == "linux"
TICKS = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """Return a process id, and those of all its descendants."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int(stat_fields(int(entry.name))[1])
            except OSError:  # it has ended in the meantime
                continue
    found = [pid]
    for known in found:  # the list grows during the loop
        found += [child for child, parent in parents.items() if parent == known]
    return found[:1] + sorted(found[1:])


def stat_fields(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat after the name, which may contain spaces: state, parent, and so on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def alive(pids: list[int]) -> list[int]:
    """Return those of these processes that still run. A zombie, which its parent has not waited for yet, does not count."""
    running = []
    for pid in pids:
        try:
            if stat_fields(pid)[0] not in "ZX":
                running.append(pid)
        except OSError:
            continue
    return running


def seconds_by_clock(pids: list[int]) -> float:
    """Return the CPU seconds (user and system) of all threads of these processes, including ended threads, to the nanosecond.

    Reads the clock that clock_getcpuclockid(3) names. It is the sum behind /proc/PID/schedstat, but schedstat forgets a thread
    when the thread ends, and async Django starts one for each request.
    """
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)


def seconds_by_ticks(pids: list[int]) -> float:
    """Return the same in ticks of mostly 10 ms, including the processes' ended children."""
    return sum(sum(map(int, stat_fields(pid)[11:15])) for pid in pids) / TICKS


def seconds_of_ended(pid: int) -> float:
    """Return the CPU seconds, in ticks, of the ended children of a process."""
    return sum(map(int, stat_fields(pid)[13:15])) / TICKS


def seconds_with_ended(pid: int) -> float:
    """Return the CPU seconds of a process and its descendants, including ended ones: for a process with short-lived children.

    Ended children count in ticks. A child that ends between two readings changes their difference by 10 ms at most.
    """
    found = seconds_of_ended(pid)
    for one in tree(pid):
        with suppress(OSError):  # it has ended in the meantime
            found += seconds_by_clock([one])
    return found


def choose_meter() -> tuple[Callable[[list[int]], float], str]:
    """Return the more precise of the two meters that works here, and its name."""
    try:
        seconds_by_clock([os.getppid()])
    except OSError:
        return seconds_by_ticks, f"/proc/PID/stat, in steps of {1000 // TICKS} ms"
    return seconds_by_clock, "the processes' CPU clocks, in nanoseconds"


def pss_mib(pids: list[int]) -> float:
    """Return the proportional set size in MiB: each process counts its share of a shared page."""
    kib = 0
    for pid in pids:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        kib += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kib / 1024


def user_and_system(pids: list[int]) -> tuple[float, float]:
    """Return the CPU seconds in user mode and in system mode, in ticks of mostly 10 ms."""
    fields = [stat_fields(pid) for pid in pids]
    return sum(int(one[11]) for one in fields) / TICKS, sum(int(one[12]) for one in fields) / TICKS


def threads(pids: list[int]) -> int:
    """Return the total number of threads of these processes."""
    return sum(int(stat_fields(pid)[17]) for pid in pids)


def sockets(pids: list[int]) -> int:
    """Return the number of open sockets of these processes. A shared socket counts in every process that holds it."""
    links = []
    for pid in pids:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            try:
                links.append(str(entry.readlink()))
            except OSError:  # closed in the meantime
                continue
    return sum(link.startswith("socket:") for link in links)


def pin(pids: list[int], cpus: set[int]) -> None:
    """Restrict all threads of these processes to ``cpus``. Whatever they start later inherits the restriction."""
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(ProcessLookupError):
                os.sched_setaffinity(int(task.name), cpus)


def accept_queue_overflows() -> int:
    """Return the number of connections dropped by full accept queues, on the whole machine since it started."""
    lines = [line.split() for line in Path("/proc/net/netstat").read_text().splitlines() if line.startswith("TcpExt:")]
    return int(dict(zip(*lines, strict=True))["ListenOverflows"])

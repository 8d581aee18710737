"""How much of this machine's CPU time goes to processes other than the tests', in half-second samples from Linux's /proc.

The tests' own load never counts: processes that descend from the test run, services of this checkout's Supervisor, and containers.
Only the remaining load, and the time that the hypervisor gave to other machines, excuses a missed measurement.
"""

import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from loadtest.engine.cpu_speed import pace
from runtime import proc
from runtime.local import orphans

EVERY_SECONDS = 0.5
# Shares of all CPUs. A quiet machine stays far below: its daemons use about 1 %.
BUSY_ON_AVERAGE, BUSY_AT_ONCE = 0.05, 0.25
# The machine counts as slowed if a fixed piece of work takes this many times the fastest time of this run.
SLOWED = 1.3
# Every process of a test run inherits this variable (dev/testing/run.py sets it).
MARK = "TWOGATES_TESTS"
CONTAINERS = ("docker", "containerd", "runc", "kubepods")


@dataclass(frozen=True)
class Sample:
    """One interval: CPU time of other processes and stolen time, as shares of all CPUs."""

    begun: float
    ended: float
    foreign: float
    stolen: float


class Watch:
    """A thread that samples the machine's load; ``between`` judges an interval."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self.paces: list[tuple[float, float]] = []
        self.owned: dict[tuple[int, str], bool] = {}  # by process id and start time
        self.ended, self.sampled = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        if proc.SUPPORTED:
            self.thread.start()

    def run(self) -> None:
        """Take samples until ``stop``."""
        before, stolen, at = self.foreign_ticks(), stolen_ticks(), time.monotonic()
        while not self.ended.wait(EVERY_SECONDS):
            after, stolen_now, now = self.foreign_ticks(), stolen_ticks(), time.monotonic()
            # A process that started in the interval counts in full; one that ended in it does not count.
            used = sum(ticks - before.get(key, 0) for key, ticks in after.items())
            whole = (now - at) * proc.TICKS * (os.cpu_count() or 1)
            self.samples.append(Sample(at, now, used / whole, (stolen_now - stolen) / whole))
            before, stolen, at = after, stolen_now, now
            self.sampled.set()

    def stop(self) -> None:
        self.ended.set()

    def complete(self) -> None:
        """Wait for the current sample to finish, and measure how fast the machine computes at this moment."""
        self.sampled.clear()
        self.sampled.wait(20 * EVERY_SECONDS)
        self.time_a_fixed_work()

    def time_a_fixed_work(self) -> None:
        """Measure how fast the machine computes at this moment."""
        self.paces.append((time.monotonic(), pace()))

    def foreign_ticks(self) -> dict[tuple[int, str], int]:
        """Return the CPU ticks of each process that does not belong to the tests."""
        ticks: dict[tuple[int, str], int] = {}
        parents: dict[int, int] = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with suppress(OSError):
                fields = proc.stat_fields(int(entry.name))
                parents[int(entry.name)] = int(fields[1])
                ticks[int(entry.name), fields[19]] = int(fields[11]) + int(fields[12])
        ours = {pid for pid, start in ticks if self.is_ours(pid, start)}
        return {(pid, start): used for (pid, start), used in ticks.items() if not descends(pid, ours, parents)}

    def is_ours(self, pid: int, start: str) -> bool:
        """Return whether the process itself belongs to the tests, regardless of its parents."""
        key = pid, start
        if key not in self.owned:
            self.owned[key] = pid == os.getpid() or pid == 2 or looks_ours(pid)  # 2: kernel threads, which serve other processes
        return self.owned[key]

    def between(self, begun: float, ended: float) -> str | None:
        """Return why the machine was too busy in an interval, in a few words, or ``None`` if it was quiet."""
        found = [one for one in self.samples if one.ended > begun and one.begun < ended]
        if found:
            mean = sum(one.foreign + one.stolen for one in found) / len(found)
            most = max(one.foreign + one.stolen for one in found)
            if mean > BUSY_ON_AVERAGE or most > BUSY_AT_ONCE:
                stolen = sum(one.stolen for one in found) / len(found)
                return f"other processes and virtual machines took {mean:.0%} of the CPUs, at most {most:.0%} ({stolen:.0%} were stolen)"
        seen = [seconds for at, seconds in self.paces if begun - 1 <= at <= ended + 1]
        if seen and max(seen) > SLOWED * min(seconds for _, seconds in self.paces):
            return f"a fixed piece of work took {max(seen) / min(seconds for _, seconds in self.paces):.1f} times as long as at other times"
        return None


def looks_ours(pid: int) -> bool:
    """Return whether a process carries the run's mark, belongs to this checkout's Supervisor, or runs in a container."""
    with suppress(OSError):
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        if f"{MARK}={os.environ.get(MARK)}".encode() in variables or orphans.SUPERVISOR in variables:
            return True
    with suppress(OSError):
        where = Path(f"/proc/{pid}/cgroup").read_text() + Path(f"/proc/{pid}/comm").read_text()
        # If the tests themselves run in a container, everything else in that container is foreign.
        mine = Path("/proc/self/cgroup").read_text()
        return any(word in where and word not in mine for word in CONTAINERS)
    return False


def descends(pid: int, from_any: set[int], parents: dict[int, int]) -> bool:
    """Return whether a process or one of its ancestors is in ``from_any``."""
    while pid > 1:
        if pid in from_any:
            return True
        pid = parents.get(pid, 0)
    return False


def stolen_ticks() -> int:
    """Return the CPU ticks that the hypervisor gave to other machines while ours had work to do."""
    return int(Path("/proc/stat").read_text().split("\n", 1)[0].split()[8])

"""How much of this machine's CPU time goes to others than the tests, second by second, from Linux's /proc.

The tests' own load is theirs to bear, so it never counts: processes that descend from the test run, services of this checkout's
Supervisor, and containers. Only what is left excuses a measurement, and the time that the hypervisor gave to other machines.
"""

import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from loadtest.engine.pace import pace
from runtime import proc
from runtime.local import orphans

EVERY_SECONDS = 0.5
# Shares of all CPUs. A quiet machine stays far below: its daemons use about one hundredth.
BUSY_ON_AVERAGE, BUSY_AT_ONCE = 0.05, 0.25
# A fixed piece of work took this many times longer than the fastest time that this run has seen.
SLOWED = 1.3
# Every process of a test run inherits it (dev/testing/run.py sets it).
MARK = "TWOGATES_TESTS"
CONTAINERS = ("docker", "containerd", "runc", "kubepods")


@dataclass(frozen=True)
class Sample:
    """One interval: CPU time of others, and time that was stolen, as shares of all CPUs."""

    begun: float
    ended: float
    foreign: float
    stolen: float


class Watch:
    """A thread that reads the machine's load; ``between`` judges an interval."""

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
            # A process that began in the interval counts whole; one that ended in it does not count.
            used = sum(ticks - before.get(key, 0) for key, ticks in after.items())
            whole = (now - at) * proc.TICKS * (os.cpu_count() or 1)
            self.samples.append(Sample(at, now, used / whole, (stolen_now - stolen) / whole))
            before, stolen, at = after, stolen_now, now
            self.sampled.set()

    def stop(self) -> None:
        self.ended.set()

    def complete(self) -> None:
        """Wait for the sample that is under way, and note how fast the machine computes now."""
        self.sampled.clear()
        self.sampled.wait(20 * EVERY_SECONDS)
        self.time_a_fixed_work()

    def time_a_fixed_work(self) -> None:
        """Note how fast the machine computes now."""
        self.paces.append((time.monotonic(), pace()))

    def foreign_ticks(self) -> dict[tuple[int, str], int]:
        """CPU ticks of each process that is not the tests'."""
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
        """Whether a process is the tests' by itself, whatever its parents are."""
        key = pid, start
        if key not in self.owned:
            self.owned[key] = pid == os.getpid() or pid == 2 or looks_ours(pid)  # 2: the kernel's threads, which work for others
        return self.owned[key]

    def between(self, begun: float, ended: float) -> str | None:
        """Why the machine was too busy in an interval, in a few words; ``None`` where it was quiet."""
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
    """Whether a process has the run's mark, or is a service of this checkout's Supervisor, or in a container."""
    with suppress(OSError):
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        if f"{MARK}={os.environ.get(MARK)}".encode() in variables or orphans.SUPERVISOR in variables:
            return True
    with suppress(OSError):
        where = Path(f"/proc/{pid}/cgroup").read_text() + Path(f"/proc/{pid}/comm").read_text()
        # Where the tests are in a container themselves, everything else in it is foreign.
        mine = Path("/proc/self/cgroup").read_text()
        return any(word in where and word not in mine for word in CONTAINERS)
    return False


def descends(pid: int, from_any: set[int], parents: dict[int, int]) -> bool:
    """Whether a process, or one that it descends from, is among these."""
    while pid > 1:
        if pid in from_any:
            return True
        pid = parents.get(pid, 0)
    return False


def stolen_ticks() -> int:
    """CPU time that the hypervisor gave to other machines while ours had work."""
    return int(Path("/proc/stat").read_text().split("\n", 1)[0].split()[8])

"""CPU time of the whole machine: what other programs leave of it, and what all programs together used."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from loadtest.judging.bounds import Cpus
from twogates.server.cpus import CGROUP, cgroup_quota

SECONDS = 0.4
# More programs than this would take longer to start than they run. On a larger machine, each program stands for several CPUs.
MOST = 16
# Spins from a start time that all programs share, and prints the share of a CPU that it got.
SPIN = """
import sys, time
begin, seconds = float(sys.argv[1]), float(sys.argv[2])
while time.time() < begin:
    time.sleep(0.001)
begun, used = time.monotonic(), time.process_time()
while time.monotonic() - begun < seconds:
    pass
print((time.process_time() - used) / (time.monotonic() - begun))
"""
STARTING_SECONDS = 0.3


def shared_cpus() -> float:
    """Return how many CPUs this process may use: its affinity, or its cgroup's quota if that is lower."""
    allowed = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    return min(allowed, cgroup_quota(CGROUP) or allowed)


def measure(seconds: float = SECONDS) -> Cpus:
    """Start as many programs as there are CPUs, and measure how much CPU time they get."""
    from time import time

    shared = shared_cpus()
    count = min(MOST, max(1, round(shared)))
    begin = time() + STARTING_SECONDS
    words = [sys.executable, "-IS", "-c", SPIN, str(begin), str(seconds)]
    programs = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(count)]
    got = sum(float(program.communicate()[0]) for program in programs)
    return Cpus(shared, min(shared, max(got, 0.01) * shared / count))


@dataclass(frozen=True)
class MachineUse:
    """CPU seconds that the programs of a machine used in a window, on ``cpus`` of its CPUs."""

    cpus: int
    busy: float


def busy_seconds(stat: Path = Path("/proc/stat")) -> MachineUse | None:
    """Return the CPU seconds since boot on the CPUs that this process may use; ``None`` where the system does not report them."""
    try:
        lines = [line.split() for line in stat.read_text().splitlines() if line.startswith("cpu")]
        ticks = os.sysconf("SC_CLK_TCK")
        allowed = {f"cpu{number}" for number in os.sched_getaffinity(0)}
    except (OSError, AttributeError):
        return None
    # user, nice, system, irq, softirq and steal, without idle and iowait. Guest time is already included in user.
    used = [sum(int(words[place]) for place in (1, 2, 3, 6, 7, 8)) for words in lines if words[0] in allowed]
    return MachineUse(len(used), sum(used) / ticks)

"""How fast this machine computes at this moment.

Laptops slow down when they get warm, and virtual machines share their cores with others. The same work can take longer than a
minute ago, although no process of this machine causes it, and none of its counters shows it.
"""

import hashlib
import os
from time import thread_time

# About a millisecond: long compared with the clock's resolution, and short compared with everything that is measured.
HASHES = 2000
TRIES = 3
# Measuring more CPUs than this would take too long for what it shows.
CPUS = 4


def pace() -> float:
    """Return the CPU seconds of a fixed piece of work, on the slowest of the CPUs (at most four) that this process may use."""
    if not hasattr(os, "sched_setaffinity"):
        return work()
    allowed = os.sched_getaffinity(0)
    try:
        found = []
        for cpu in sorted(allowed)[:CPUS]:
            os.sched_setaffinity(0, {cpu})
            found.append(work())
        return max(found)
    finally:
        os.sched_setaffinity(0, allowed)


def work() -> float:
    """Return the shortest of a few tries, in CPU seconds: an interruption lengthens one try, a slow machine all of them."""
    found = []
    for _ in range(TRIES):
        begun, value = thread_time(), b""
        for _ in range(HASHES):
            value = hashlib.sha256(value).digest()
        found.append(thread_time() - begun)
    return min(found)

"""How fast this machine computes at this moment.

Laptops get warm, and virtual machines share their cores with others: the same work takes other times than a minute ago, which
no process of this machine has a part in and none of its counters shows.
"""

import hashlib
import os
from time import thread_time

# A millisecond or so, which is long beside the clock's steps, and short beside everything that is measured.
HASHES = 2000
TRIES = 3
# Looking at more CPUs than these would take longer than it tells.
CPUS = 4


def pace() -> float:
    """CPU seconds of a fixed piece of work, on the slowest CPU that this process may use."""
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
    """The shortest of a few: an interruption makes one longer, a slow machine all of them."""
    found = []
    for _ in range(TRIES):
        begun, value = thread_time(), b""
        for _ in range(HASHES):
            value = hashlib.sha256(value).digest()
        found.append(thread_time() - begun)
    return min(found)

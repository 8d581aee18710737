"""The latencies in a short window whose queue has not had the time to become as long as theory says."""

from heapq import heapreplace
from random import Random
from statistics import median

WINDOWS = 101


def p99_of_a_window(servers: int, rate: float, held: float, seconds: float) -> float:
    """Return the p99 of latencies in seconds: the median of 101 simulated windows of M/D/c that begin with an empty queue.

    ``rate`` in arrivals per second; each occupies one of ``servers`` for ``held`` seconds, in order of arrival.
    """
    draw = Random(1)  # noqa: S311  the same prediction each time
    return median(p99(servers, rate, held, seconds, draw) for _ in range(WINDOWS))


def p99(servers: int, rate: float, held: float, seconds: float, draw: Random) -> float:
    """Return the p99 of one simulated window in seconds."""
    free = [0.0] * servers  # a heap of the moments at which each server is free
    latencies = []
    now = draw.expovariate(rate)
    while now < seconds:
        ended = max(now, free[0]) + held
        heapreplace(free, ended)
        latencies.append(ended - now)
        now += draw.expovariate(rate)
    return sorted(latencies)[int(0.99 * len(latencies))] if latencies else held

"""The range in which a throughput is predicted to lie, against measured numbers and against a simulation."""

from heapq import heappop, heappush
from itertools import count

import pytest

from loadtest.judging.bounds import Bounds, Cost, Cpus, bounds

TWO = Cpus(2, 2)


@pytest.mark.parametrize(
    ("cost", "processes", "low", "high", "measured"),
    [
        # Measured on a slow machine with two CPUs: 40 users, a wait of 0.2 s, one FastAPI loop and two Django loops.
        (Cost(0.00202, 0.00117, 0, 0.00085), 1, 161.4, 198.0, 197.0),
        (Cost(0.00274, 0.00180, 0, 0.00094), 2, 156.6, 197.3, 169.0),
    ],
)
def test_a_slow_machine_is_predicted(cost: Cost, processes: int, low: float, high: float, measured: float) -> None:
    found = bounds(40, None, processes, 0.2, cost, TWO)
    assert (found.low, found.high) == (pytest.approx(low, abs=0.5), pytest.approx(high, abs=0.5))
    assert found.contain(measured, 0)


def test_without_cost_it_is_the_wait_alone() -> None:
    assert bounds(40, None, 1, 0.2, Cost(0, 0), TWO) == Bounds(200, 200)
    assert bounds(40, 4, 4, 0.2, Cost(0, 0), TWO) == Bounds(20, 20)
    assert bounds(3, 4, 4, 0.2, Cost(0, 0), TWO) == Bounds(15, 15)


def test_a_queue_hides_what_is_done_outside_the_slots() -> None:
    cost = Cost(0.01, 0.001, 0.002, 0.007)
    assert bounds(40, 4, 4, 0.1, cost, TWO).high == pytest.approx(4 / 0.103)
    assert bounds(4, 4, 4, 0.1, cost, TWO).high == pytest.approx(4 / 0.110)


@pytest.mark.parametrize(
    ("cost", "processes", "high"),
    [(Cost(0.01, 0.01), 1, 100), (Cost(0.01, 0.01), 8, 200), (Cost(0.01, 0.001, 0, 0.009), 1, 200)],
)
def test_cpus_that_are_full(cost: Cost, processes: int, high: float) -> None:
    """The limit is the CPU that one loop can use, or all CPUs."""
    found = bounds(1000, None, processes, 0.1, cost, TWO)
    assert found.high == pytest.approx(high)
    assert 0.85 * high < found.low < high


def test_other_programs_lower_the_least() -> None:
    quiet, busy = (bounds(40, None, 1, 0.2, Cost(0.002, 0.001, 0, 0.001), Cpus(2, free)) for free in (2, 1))
    assert busy.high == quiet.high
    assert busy.low == pytest.approx(40 / (0.2 + 0.002 + 39 * 0.002))
    slow_scheduler = bounds(4, None, 1, 0.05, Cost(0.02, 0.001, 0, 0.001), Cpus(2, 1))
    assert slow_scheduler.low < 4 / 0.07 < slow_scheduler.high


def test_where_no_cpu_time_can_be_read() -> None:
    assert bounds(40, None, 1, 0.2, Cost(0.0025), TWO) == Bounds(pytest.approx(40 / 0.3), 200)


def simulated(users: int, loops: int, wait: float, cpu: float, in_step: bool) -> float:
    """Return the requests per second of users of loops that serve one request after another. No statistics and no machine are involved."""
    free = [0.0] * loops
    ended = 0
    tie = count()
    due = [(0.0 if in_step else wait * user / users, next(tie), user % loops) for user in range(users)]
    heap: list[tuple[float, int, int]] = []
    for one in due:
        heappush(heap, one)
    while heap[0][0] < 100 * wait:
        woken, _, loop = heappop(heap)
        begun = max(woken, free[loop])
        free[loop] = begun + cpu
        ended += free[loop] < 100 * wait
        heappush(heap, (free[loop] + wait, next(tie), loop))
    return ended / (100 * wait)


@pytest.mark.parametrize("in_step", [True, False])
@pytest.mark.parametrize(
    ("users", "loops", "wait", "cpu"), [(40, 1, 0.2, 0.002), (40, 2, 0.2, 0.004), (200, 1, 0.1, 0.001), (8, 2, 0.5, 0.01)]
)
def test_a_simulation_lies_in_the_range(users: int, loops: int, wait: float, cpu: float, in_step: bool) -> None:
    found = bounds(users, None, loops, wait, Cost(cpu, cpu), Cpus(loops, loops))
    assert found.contain(simulated(users, loops, wait, cpu, in_step), 0.015)

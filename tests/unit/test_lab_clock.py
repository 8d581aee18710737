"""A clock's moments in a real event loop."""

from collections.abc import Iterator
from itertools import pairwise
from time import perf_counter

import gevent
import pytest
from gevent.event import Event

from loadtest.generator.clock import Clock

HOUR = 3600.0


@pytest.fixture
def clocks() -> Iterator[list[Clock]]:
    made: list[Clock] = []
    yield made
    for clock in made:
        clock.stop()


def moments(clocks: list[Clock], pauses: list[float], busy: float = 0.0) -> tuple[list[float], list[float]]:
    """Return the moments of a clock with these pauses, and when each arrived. The consumer is busy for ``busy`` seconds after each."""
    left = iter(pauses)
    clock = Clock(lambda: next(left, HOUR))
    clocks.append(clock)
    over, due, came = Event(), [], []
    for moment in clock.until(over):
        due.append(moment)
        came.append(perf_counter())
        gevent.sleep(busy)
        if len(due) == len(pauses):
            over.set()
    return due, came


@pytest.mark.parametrize("busy", [0.0, 0.004])
def test_moments_come_in_order_and_none_is_lost(clocks: list[Clock], busy: float) -> None:
    """This also holds if the consumer is slower than the clock, or if several moments are due at once."""
    pauses = [0.001, 0.0, 0.0, 0.0005, 0.003] * 10
    due, came = moments(clocks, pauses, busy)
    assert len(due) == len(pauses)
    assert [b - a for a, b in pairwise(due)] == pytest.approx(pauses[1:])
    assert all(arrived >= moment for moment, arrived in zip(due, came, strict=True))


def test_a_moment_in_an_hour_does_not_hold_up_the_end(clocks: list[Clock]) -> None:
    clock, over = Clock(lambda: HOUR), Event()
    clocks.append(clock)
    gevent.spawn(over.set)
    assert list(clock.until(over)) == []
    clock.stop()  # would otherwise wait for the hour
    assert clock.thread.size == 0
    clocks.clear()


def test_nothing_comes_after_the_end(clocks: list[Clock]) -> None:
    over = Event()
    clock = Clock(lambda: 0.0001)
    clocks.append(clock)
    seen = []
    for moment in clock.until(over):
        seen.append(moment)
        over.set()
    assert len(seen) == 1
    assert list(clock.until(over)) == []

"""Tests that measure, marked ``measured``: each is met, not met, or the machine was too busy to tell.

A measured test states what has to hold with ``assert`` where it is a fact (a count, a status, a text), and with
``measure.that(...)`` where it is a time, a rate or a latency. Only the second kind is excused, and only by evidence that was read
while the test and its fixtures ran (machine_load.py). `make test` leaves these tests out, and `make test-measured` runs them.
"""

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.machine_load import MARK, Watch

WATCH = pytest.StashKey[Watch]()
TOO_BUSY = "this machine was too busy to tell"
_prepared: dict[int, tuple[float, float]] = {}  # by the id of a fixture's definition: when it was set up


class NotMet(AssertionError):
    """A time, a rate or a latency that is not what it has to be."""


class Measure:
    """What ``measure`` gives to a test."""

    def that(self, holds: bool, text: str) -> None:
        """State that something measured holds; ``text`` says what was seen where it does not."""
        if not holds:
            raise NotMet(text)


@pytest.fixture(scope="session")
def measure() -> Measure:
    """States what is measured: ``measure.that(seconds < 2, f"{seconds} s")``."""
    return Measure()


def is_measured(item: pytest.Item) -> bool:
    return item.get_closest_marker("measured") is not None


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Iterator[None]:
    begun = time.monotonic()
    try:
        return (yield)
    finally:
        _prepared[id(fixturedef)] = begun, time.monotonic()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    if not is_measured(item):
        return (yield)
    watch = watch_of(item.config)
    watch.time_a_fixed_work()
    begun = time.monotonic()
    try:
        return (yield)
    except NotMet as missed:
        watch.complete()
        fixtures = [one for found in item._fixtureinfo.name2fixturedefs.values() for one in found]  # type: ignore[attr-defined]
        spans = [(begun, time.monotonic()), *(_prepared[id(one)] for one in fixtures if id(one) in _prepared)]
        if why := next(filter(None, (watch.between(*span) for span in spans)), None):
            pytest.skip(f"{TOO_BUSY}: {why}; seen: {missed}")
        raise


def watch_of(config: pytest.Config) -> Watch:
    """The watch of this run, which has begun before the first measured test."""
    if WATCH not in config.stash:
        config.stash[WATCH] = Watch()
    return config.stash[WATCH]


def pytest_configure(config: pytest.Config) -> None:
    os.environ.setdefault(MARK, str(os.getpid()))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Say in the report which tests measure, and begin to watch before the first fixture is set up."""
    for item in filter(is_measured, session.items):
        item.user_properties.append(("measured", "1"))
    if any(map(is_measured, session.items)):
        watch_of(session.config).time_a_fixed_work()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The three counts, of what was measured."""
    stats = terminalreporter.stats
    counts = {
        "met": sum("measured" in one.keywords for one in stats.get("passed", ())),
        "not met": sum("measured" in one.keywords for kind in ("failed", "error") for one in stats.get(kind, ())),
        TOO_BUSY: sum(TOO_BUSY in str(one.longrepr) for one in stats.get("skipped", ())),
    }
    if sum(counts.values()):
        terminalreporter.write_line("measured: " + ", ".join(f"{count} {outcome}" for outcome, count in counts.items()))


def pytest_unconfigure(config: pytest.Config) -> None:
    if WATCH in config.stash:
        config.stash[WATCH].stop()

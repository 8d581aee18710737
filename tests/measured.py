"""Tests marked ``measured``, which measure. Each is met, not met, or the machine was too busy to tell.

A measured test uses ``assert`` for facts (a count, a status, a text), and ``measure.that(...)`` for a time, a rate or a latency.
Only a failed ``measure.that`` is excused, and only by load that was observed while the test and its fixtures ran (machine_load.py).
`make test` leaves these tests out, and `make test-measured` runs them.
"""

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.machine_load import MARK, Watch

WATCH = pytest.StashKey[Watch]()
TOO_BUSY = "this machine was too busy to tell"
_prepared: dict[int, tuple[float, float]] = {}  # when a fixture was set up, by the id of its definition


class NotMet(AssertionError):
    """A time, a rate or a latency that misses its requirement."""


class Measure:
    """The object that the ``measure`` fixture gives to a test."""

    def that(self, holds: bool, text: str) -> None:
        """Require that a measured condition holds. ``text`` describes what was seen if it does not."""
        if not holds:
            raise NotMet(text)


@pytest.fixture(scope="session")
def measure() -> Measure:
    """State a measured requirement: ``measure.that(seconds < 2, f"{seconds} s")``."""
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
    """Return this run's watch, which starts before the first measured test."""
    if WATCH not in config.stash:
        config.stash[WATCH] = Watch()
    return config.stash[WATCH]


def pytest_configure(config: pytest.Config) -> None:
    os.environ.setdefault(MARK, str(os.getpid()))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Mark measured tests in the report, and start the watch before the first fixture is set up."""
    for item in filter(is_measured, session.items):
        item.user_properties.append(("measured", "1"))
    if any(map(is_measured, session.items)):
        watch_of(session.config).time_a_fixed_work()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print how many measured tests had each of the three outcomes."""
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

"""What bounded a cell, one case each."""

from dataclasses import replace
from typing import Any

import pytest

from loadtest.judging.limiter import limiter
from loadtest.judging.raw import Raw
from loadtest.judging.values import values
from loadtest.model import loop, sync
from tests.unit.lab_raw import SECONDS, cell, load, raw


def used(run: Raw, **changes: Any) -> Raw:
    """The run with another use of CPU time."""
    return replace(run, usage=replace(run.usage, **changes))  # type: ignore[type-var]


def sampled(run: Raw, **changes: Any) -> Raw:
    return replace(run, sampled=replace(run.sampled, **changes))  # type: ignore[type-var]


CLOSED, WORKERS = raw(), raw(cell(sync(4)))
THREADS = raw(cell(sync(1, threads=4)))
LOOPS = raw(cell(loop("fastapi", workers=2)), cpus=2.0)
BURST = raw(cell(sync(4), "burst"))

CASES = {
    "client": (replace(CLOSED, generator_cpu=0.8), "client"),
    "client before the server": (used(replace(CLOSED, generator_cpu=0.9), app_user=SECONDS), "client"),
    "accept backlog": (used(CLOSED, overflows=1), "accept backlog"),
    "upstream": (used(CLOSED, upstream=0.91 * SECONDS), "upstream"),
    "proxy": (used(CLOSED, proxy=0.91 * SECONDS), "proxy"),
    "the CPU that proxy and client share": (used(replace(CLOSED, other_cpus=1.0), proxy=0.71 * SECONDS), "CPU of proxy and client"),
    "one CPU for each": (used(replace(CLOSED, other_cpus=2.0), proxy=0.71 * SECONDS), "the load itself"),
    "one loop's CPU": (used(CLOSED, app_user=0.89 * SECONDS), "server CPU"),
    "half of two loops' CPUs": (used(LOOPS, app_user=0.9 * SECONDS), "the load itself"),
    "two loops' CPUs": (used(LOOPS, app_user=1.8 * SECONDS), "server CPU"),
    "threads share one CPU": (used(replace(THREADS, cpus=4.0), app_user=0.89 * SECONDS), "server CPU"),
    "all slots busy": (WORKERS, "slots"),
    "half of the slots busy": (sampled(WORKERS, busy=2.0), "the load itself"),
    "a burst of more than there are slots": (sampled(BURST, busy=2.0), "slots"),
    "slots that are only known": (replace(WORKERS, usage=None, sampled=None, holding=None), "slots"),
    "loop lag": (sampled(raw(cell(), load([[0.02] * 4] * 4)), loop_lag=0.011), "loop lag"),
    "a lag that is a small part of the latency": (sampled(raw(cell(), load([[0.03] * 4] * 4)), loop_lag=0.011), "the load itself"),
    "a lag of less than a few milliseconds": (sampled(CLOSED, loop_lag=0.004), "the load itself"),
    "nothing was full": (CLOSED, "the load itself"),
    "nothing is known": (replace(CLOSED, usage=None, sampled=None, holding=None), "the load itself"),
}


@pytest.mark.parametrize("name", CASES)
def test_limiter(name: str) -> None:
    run, expected = CASES[name]
    assert limiter(run, values(run)) == expected

"""The bottleneck of a cell, one case each."""

from dataclasses import replace
from typing import Any

import pytest

from loadtest.engine.cores import MachineUse
from loadtest.engine.variants import Usage
from loadtest.judging.bottleneck import limiter
from loadtest.judging.raw import Raw
from loadtest.judging.values import values
from loadtest.model import Variant, loop, sync
from tests.unit.lab_raw import SECONDS, USERS, WAIT, cell, load, raw


def used(run: Raw, **changes: Any) -> Raw:
    """Return the run with these changes to its CPU time."""
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
    "one CPU for each": (used(replace(CLOSED, other_cpus=2.0), proxy=0.71 * SECONDS), "not saturated"),
    "one loop's CPU": (used(CLOSED, app_user=0.89 * SECONDS), "server CPU"),
    "half of two loops' CPUs": (used(LOOPS, app_user=0.9 * SECONDS), "not saturated"),
    "two loops' CPUs": (used(LOOPS, app_user=1.8 * SECONDS), "server CPU"),
    "threads share one CPU": (used(replace(THREADS, cpus=4.0), app_user=0.89 * SECONDS), "server CPU"),
    "all slots busy": (WORKERS, "slots"),
    "half of the slots busy": (sampled(WORKERS, busy=2.0), "not saturated"),
    "a burst of more than there are slots": (sampled(BURST, busy=2.0), "slots"),
    "slots that are only known": (replace(WORKERS, usage=None, sampled=None, holding=None), "slots"),
    "loop lag": (sampled(raw(cell(), load([[0.02] * 4] * 4)), loop_lag=0.011), "loop lag"),
    "a lag that is a small part of the latency": (sampled(raw(cell(), load([[0.03] * 4] * 4)), loop_lag=0.011), "not saturated"),
    "a lag of less than a few milliseconds": (sampled(CLOSED, loop_lag=0.004), "not saturated"),
    "nothing was full": (CLOSED, "not saturated"),
    "nothing is known": (replace(CLOSED, usage=None, sampled=None, holding=None), "not saturated"),
}


@pytest.mark.parametrize("name", CASES)
def test_limiter(name: str) -> None:
    run, expected = CASES[name]
    assert limiter(run, values(run)) == expected


def existing(variant: Variant, latency: float, workload: str = "wait", users: int = USERS, **used: float) -> Raw:
    """A run of the running stack, seen from outside: eight users or more, two shared CPUs. ``used`` are shares of one CPU."""
    of = cell(variant, workload=workload)
    of = replace(of, load=replace(of.load, users=users))
    seconds = 40 * latency
    each = load([[latency] * (users * 10)] * 4, users=users, seconds=seconds)
    generator, others = used.pop("generator", 0.1), used.pop("others", 0.0)
    usage = Usage(used.pop("app", 0.1) * seconds, 0, used.pop("proxy", 0.05) * seconds, 0, 0, used.pop("database", 0.0) * seconds)
    assert not used
    busy = generator * seconds + usage.app_user + usage.proxy + usage.database + others * seconds
    parts = {"sampled": None, "holding": None, "cpus": 2.0, "generator_cpu": generator}
    return raw(of, each, usage=usage, machine=MachineUse(2, busy), **parts)


LOOP, TWO_LOOPS, POOL = loop("fastapi"), loop("django", workers=2), loop("fastapi", pool=4)
QUERY = {"workload": "query", "users": 8}
# Each latency is WAIT plus what its cause adds. A closed workload answers users / latency requests a second.
RUNNING = {
    "a generator that is full": (existing(LOOP, WAIT, generator=0.85), "client"),
    "Nginx on one CPU": (existing(LOOP, 2 * WAIT, proxy=0.95), "proxy"),
    "one loop on one CPU": (existing(LOOP, 4 * WAIT, app=0.96), "server CPU"),
    "two loops on two": (existing(TWO_LOOPS, 4 * WAIT, app=1.81), "server CPU"),
    "all of ours on two": (existing(TWO_LOOPS, 4 * WAIT, app=1.2, proxy=0.3, generator=0.4), "CPU of the machine"),
    "workers that compute": (existing(sync(4), 4 * WAIT, "cpu", app=1.5, proxy=0.1, generator=0.25), "CPU of the machine"),
    "workers that compute beside other programs": (existing(sync(4), 4 * WAIT, "cpu", app=0.9, others=0.9), "other programs"),
    "slots": (existing(sync(4), 2.1 * WAIT), "slots"),
    "slots beside other programs": (existing(sync(4), 2.2 * WAIT, others=1.5), "slots"),
    "slots enough": (existing(sync(8), WAIT), "not saturated"),
    "a pool": (existing(POOL, 3 * 2.1 * WAIT, **QUERY), "pool"),
    "a pool that is large enough": (existing(loop("fastapi", pool=8), 3 * WAIT, **QUERY), "not saturated"),
    "slots with a connection each": (existing(replace(sync(4), pool=1), 3 * 2.1 * WAIT, **QUERY), "slots"),
    "workers with fewer connections than threads": (existing(replace(sync(1, threads=8), pool=4), 3 * 2.1 * WAIT, **QUERY), "pool"),
    "threads of a loop": (existing(replace(LOOP, helpers=4), 2.1 * WAIT, "offload"), "threads of the loop"),
    "a loop that is blocked": (existing(LOOP, 8.1 * WAIT, "block"), "blocked loop"),
    # 40 users of two loops: in each wave of 20, the last one waits for the CPU time of the others. Between waves the CPUs are idle.
    "CPU in bursts": (existing(TWO_LOOPS, 1.2 * WAIT, users=40, app=0.5), "CPU in bursts"),
    "other programs": (existing(TWO_LOOPS, 1.2 * WAIT, users=40, app=0.5, others=1.0), "other programs"),
    "a delay that no CPU explains": (existing(LOOP, 3 * WAIT, app=0.01, generator=0.01, proxy=0.01), "not known"),
    "the users' own waits": (existing(LOOP, 1.05 * WAIT), "not saturated"),
    "a stack elsewhere, as fast as its waits": (replace(existing(LOOP, WAIT), usage=None, machine=None), "not saturated"),
    "a stack elsewhere that is slower": (replace(existing(LOOP, 2 * WAIT), usage=None, machine=None), "not known"),
    "few users of short requests": (existing(LOOP, WAIT, "json", users=2), "not saturated"),
}


@pytest.mark.parametrize("name", RUNNING)
def test_the_bottleneck_of_a_stack_that_runs(name: str) -> None:
    run, expected = RUNNING[name]
    assert limiter(run, values(run)) == expected

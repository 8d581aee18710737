"""Every rule of the audit: an honest run passes all rules, and each planted fault fails the rule that covers it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from loadtest.judging import audit as rules
from loadtest.judging.audit import RULES, audit
from loadtest.judging.raw import Raw
from loadtest.judging.values import values
from loadtest.model import Cell, Load, loop, sync
from tests.unit.lab_raw import SECONDS, SLICES, USERS, WAIT, cell, load, raw

ENDED = load()["counts"]["ended"]


def failed(run: Raw, stated: dict[str, float] | None = None) -> set[str]:
    """Return the rules that the run fails. Its values are computed from the run, except those in ``stated``."""
    return {finding.rule for finding in audit(run, values(run) | (stated or {})) if not finding.passed}


def burst() -> Raw:
    """Eight concurrent requests to four workers: two rounds."""
    parts: list[list[float]] = [[WAIT] * 4 + [2 * WAIT] * 4, *[[] for _ in range(SLICES - 1)]]
    return raw(cell(sync(4), "burst"), load(parts, seconds=2 * WAIT, ended=8, begun=8, succeeded=8, in_flight_seconds=12 * WAIT))


def hold() -> Raw:
    return raw(cell(kind="hold"), load([[]] * SLICES, ended=0, begun=0, succeeded=0), logged={})


def workers() -> Raw:
    """Eight users of four workers. Each user queues for as long as its request is served."""
    return raw(cell(sync(4)), load([[2 * WAIT] * 20] * SLICES))


def spread() -> Raw:
    """A run whose latency percentiles all differ."""
    part = [WAIT * (0.96 + 0.004 * number) for number in range(40)]
    return raw(cell(), load([part] * SLICES))


HONEST: dict[str, Callable[[], Raw]] = {
    "closed": raw,
    "closed, of workers": workers,
    "closed, two generators": lambda: raw(cell(), *[load([[WAIT] * 20] * SLICES, users=4, users_ready=4, connections=4) for _ in range(2)]),
    "open": lambda: raw(cell(kind="open"), load(users=1, connections=5)),
    # Twenty more arrived than were answered. Their time in flight is part of no latency.
    "open, with a line at the end": lambda: raw(
        cell(kind="open"),
        load(users=1, connections=5, arrivals=[40] * (SLICES - 1) + [60], in_flight_seconds=(USERS * 5 * SLICES + 55) * WAIT),
    ),
    "burst": burst,
    "hold": hold,
    "Django": lambda: raw(cell(loop("django", workers=2))),
    "asked directly": lambda: raw(cell(sync(4, proxied=False)), load([[2 * WAIT] * 20] * SLICES, connections=3), logged=None),
    "seen from outside": lambda: raw(cell(), load(connections=None), usage=None, holding=None, sampled=None, logged=None),
    "with a second generator": lambda: raw(second=USERS / WAIT),
    "spread": spread,
}


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_run_passes(name: str) -> None:
    run = HONEST[name]()
    assert failed(run) == set(), [finding for finding in audit(run, values(run)) if not finding.passed]


def test_every_rule_is_asked_once() -> None:
    """The two other rules apply only to runs that may lose requests (test_lab_losses.py)."""
    found = [finding.rule for finding in audit(raw(second=USERS / WAIT), values(raw()))]
    assert len(found) == len(set(found)) == len(RULES) - 2


def changed(**changes: object) -> Raw:
    """Return the honest closed run with these changes in its generator's report."""
    return raw(cell(), load(**changes))  # type: ignore[arg-type]


def with_background() -> Raw:
    """A run whose background load has a failure."""
    beside = load(failures=1, errors={"status 500": 1})
    made = raw(cell(background=(Load("closed", "wait", cell().load.parameters, users=USERS),)))
    return replace(made, all_loads=[*made.loads, beside], sampled=replace(made.sampled, served=2 * ENDED), logged={200: 2 * ENDED})  # type: ignore[type-var]


BROKEN: dict[str, tuple[str, Callable[[], Raw]]] = {
    "latencies that leave out the wait": ("Little's law", lambda: changed(latencies=[[WAIT / 2] * 40] * SLICES)),
    "answers of users that are not there": ("Little's law", lambda: changed(users=USERS // 2, connections=USERS)),
    "in flight, and not timed": ("Little's law", lambda: raw(cell(kind="open"), load(users=1, in_flight_seconds=2 * USERS * SECONDS))),
    "a failure in the window": ("successes only", lambda: changed(failures=1, errors={"status 503": 1})),
    "a failure in the warm-up": ("successes only", lambda: changed(failures_outside=1, errors={"status 503": 1})),
    "a failure beside the measured load": ("successes only", with_background),
    "answers without a latency": ("successes only", lambda: changed(slices=[41] * SLICES, arrivals=[41] * SLICES)),
    "no answer at all": ("successes only", lambda: changed(latencies=[[]] * SLICES)),
    "requests that the service never saw": ("counts agree", lambda: raw(sampled=replace(raw().sampled, served=ENDED - 1))),  # type: ignore[type-var]
    "requests that Nginx never saw": ("counts agree", lambda: raw(logged={200: ENDED - 1})),
    "answers of another status in the log": ("counts agree", lambda: raw(logged={200: ENDED - 8, 499: 8})),
    "a busy generator": ("generator had room", lambda: raw(generator_cpu=0.81)),
    "a generator that shares a full CPU": ("generator had room", lambda: raw(generator_cpu=0.7, other_cpus=0.7)),
    "a generator near its ceiling": ("generator had room", lambda: raw(ceiling=2 * USERS / WAIT - 1)),
    "a generator that comes late": ("generator had room", lambda: raw(generator_lag=0.051 * WAIT)),
    "a second generator that differs": ("second generator", lambda: raw(second=1.06 * USERS / WAIT)),
    "half a warm-up": ("steady", lambda: changed(latencies=[[WAIT] * 20] * 2 + [[WAIT] * 40] * 2)),
    "a line that grows": (
        "steady",
        lambda: raw(cell(kind="open"), load([[WAIT] * 40] * 2 + [[WAIT] * 10] * 2, users=1, arrivals=[40] * SLICES)),
    ),
    "fewer slots than declared": ("as declared", lambda: replace(workers(), seen_slots=2)),
    "slots where there should be none": ("as declared", lambda: raw(seen_slots=4)),
    "a process too few": ("as declared", lambda: replace(workers(), holding=replace(workers().holding, processes=4))),  # type: ignore[type-var]
    "too few connections": ("connections", lambda: changed(connections=USERS // 2)),
    "too few connections that are held": ("connections", lambda: raw(cell(kind="hold"), load([[]] * SLICES, connections=4))),
    "an answer that is no answer": ("none too early", lambda: changed(latencies=[[WAIT] * 39 + [WAIT / 8]] * SLICES)),
    "a stall": ("no hidden stall", lambda: changed(longest_gap=0.11 * SECONDS)),
}


# Other rules that a fault fails too: wrong latencies, for example, break several rules at once.
BESIDE = {
    "latencies that leave out the wait": {"none too early", "no hidden stall"},
    "answers without a latency": {"percentiles"},
    "half a warm-up": {"Little's law"},
    "a line that grows": {"Little's law", "counts agree"},
    "too few connections that are held": {"counts agree"},
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_fails_its_rule_and_no_other(name: str) -> None:
    rule, run = BROKEN[name]
    found = failed(run())
    assert rule in found
    assert found - {rule} <= BESIDE.get(name, set())


@pytest.mark.parametrize(
    "stated",
    [
        lambda found: {"p99": found["p95"]},
        lambda found: {"p99": found["mean"]},
        lambda found: {"p50": found["p99"], "p99": found["p50"]},
        lambda found: {"mean": found["max"] * 1.01},
        lambda found: {"mean": found["mean"] * 1.003},
        lambda found: {"p95": found["p95"] * 1.003},
        lambda found: {"max": found["p95"]},
        lambda found: {"min": found["p95"]},
    ],
    ids=[
        "p99 from p95",
        "p99 from the mean",
        "not in order",
        "a mean above all",
        "another mean",
        "another p95",
        "max below p99",
        "min above p50",
    ],
)
def test_percentiles_that_are_not_those_of_the_histogram(stated: Callable[[dict[str, float]], dict[str, float]]) -> None:
    run = spread()
    assert "percentiles" in failed(run, stated(values(run)))


def test_a_throughput_that_is_not_the_successes() -> None:
    assert failed(raw(), {"throughput": USERS / WAIT * 1.01}) == {"successes only"}


def test_a_p99_that_is_the_mean_of_equal_latencies_is_no_lie() -> None:
    assert failed(raw(), {"p99": values(raw())["mean"], "mean": values(raw())["mean"]}) == set()


@pytest.mark.parametrize(("share", "passes"), [(0.99, True), (1.01, False)])
def test_limits_are_where_they_are_said_to_be(share: float, passes: bool) -> None:
    assert ("generator had room" not in failed(raw(generator_cpu=rules.BUSY_GENERATOR * share))) is passes
    assert ("generator had room" not in failed(raw(generator_lag=rules.LAG_SHARE * WAIT * share))) is passes
    assert ("second generator" not in failed(raw(second=USERS / WAIT / (1 + rules.AGREES * share)))) is passes


def test_a_rule_that_cannot_be_asked_is_not() -> None:
    """A message on a socket is in no log, a static file that Nginx serves reaches no service, and a burst has no halves."""
    sockets = Cell(loop("fastapi"), Load("closed", "sockets", cell().load.parameters, users=USERS), USERS)
    by_nginx = Cell(loop("fastapi"), Load("open", "static-by-nginx", cell().load.parameters, rate=80), USERS)
    nothing = replace(raw(), logged={200: 1})
    assert "counts agree" not in {finding.rule for finding in audit(replace(nothing, cell=sockets), values(raw()))}
    assert "counts agree" in {finding.rule for finding in audit(nothing, values(raw()))}
    served = replace(raw(), cell=by_nginx, sampled=replace(raw().sampled, served=0))  # type: ignore[type-var]
    assert "counts agree" not in failed(served)
    assert not {"steady", "connections", "no hidden stall"} & {finding.rule for finding in audit(burst(), values(burst()))}
    assert {finding.rule for finding in audit(hold(), values(hold()))} >= {"successes only", "as declared", "connections"}


def test_a_finding_has_a_sentence_and_a_share_of_what_is_allowed() -> None:
    (found,) = [one for one in audit(raw(generator_cpu=0.4), values(raw())) if one.rule == "generator had room"]
    assert found.residual == pytest.approx(0.5)
    assert found.sentence.startswith("40% of a CPU")

"""Runs that may lose requests: which losses are counted, what a run must account for, and what the verdicts depend on."""

from dataclasses import replace
from typing import Any

import pytest

from loadtest.engine.fault_injector import Happened
from loadtest.experiments import experiments
from loadtest.generator.transports import WORDS
from loadtest.judging.audit import audit
from loadtest.judging.evidence import Evidence, NotValidError
from loadtest.judging.raw import Raw
from loadtest.judging.values import values
from loadtest.model import Disturbance
from loadtest.results import CellResult, Verdict
from tests.unit.lab_raw import cell, load, raw
from tests.unit.lab_results import cell as result

COUNTS = load()["counts"]
SENT = COUNTS["begun"]
ALL = experiments()


def disturbed(lost: int = 0, unanswered: int = 0, **changes: Any) -> Raw:
    """A run in which a worker was killed after 10 ms: ``lost`` requests got a 502, ``unanswered`` got no answer and never reached Nginx."""
    errors = {text: times for text, times in (("status 502", lost), ("no answer: refused", unanswered)) if times}
    failed = lost + unanswered
    report = load(succeeded=SENT - failed, failures_outside=failed, errors=errors, last_trouble=0.06)
    of = replace(cell(), disturbances=(Disturbance(0.01, "kill"),))
    logged = {200: SENT - failed, 502: lost} if lost else {200: SENT - failed}
    made = raw(of, report, usage=None, holding=None, logged=logged, happened=[Happened("kill", 0.01, 3)])
    return replace(made, **changes)


def failed(run: Raw) -> set[str]:
    return {finding.rule for finding in audit(run, values(run)) if not finding.passed}


@pytest.mark.parametrize("run", [disturbed(), disturbed(lost=2), disturbed(unanswered=3), disturbed(2, 3)])
def test_a_loss_that_is_accounted_for_makes_no_run_invalid(run: Raw) -> None:
    assert failed(run) == set(), audit(run, values(run))


@pytest.mark.parametrize(
    "logged",
    [{200: SENT - 2}, {200: SENT, 502: 2}, {200: SENT - 2, 504: 2}, {200: SENT - 2, 502: 1}, {200: SENT - 2, 502: 2, 499: 1}],
    ids=["no line of the lost", "answers that nobody had", "another status", "a line too few", "a line too many"],
)
def test_a_loss_that_nginx_does_not_know_does(logged: dict[int, int]) -> None:
    assert failed(disturbed(lost=2, logged=logged)) == {"each has a fate"}


def test_all_may_be_lost() -> None:
    run = disturbed(unanswered=SENT)
    empty = load([[]] * 4, begun=SENT, ended=SENT, succeeded=0, failures=SENT, errors={"no answer: refused": SENT})
    assert failed(replace(run, loads=[empty], all_loads=[empty], logged={})) == set()


def test_a_request_without_a_fate_does_too() -> None:
    run = disturbed()
    run.loads[0]["counts"]["ended"] -= 1
    assert failed(run) == {"each has a fate"}


@pytest.mark.parametrize("happened", [[], [Happened("kill", 0.01, 0)]], ids=["it never came", "nothing was in flight"])
def test_a_disturbance_that_tried_nothing_does_too(happened: list[Happened]) -> None:
    assert failed(disturbed(happened=happened)) == {"as disturbed"}


def test_a_server_that_comes_needs_nothing_in_flight() -> None:
    assert failed(disturbed(happened=[Happened("join", 0.01, 0)])) == set()


def test_what_is_counted() -> None:
    found = values(disturbed(2, 3))
    assert (found["lost"], found["unanswered"], found["lost_posts"], found["met"]) == (5, 3, 0, 3)
    assert found["recovery"] == pytest.approx(0.05)
    assert "replaced" not in found
    assert values(disturbed(sampled=replace(disturbed().sampled, newcomer=0.21)))["replaced"] == pytest.approx(0.2)  # type: ignore[type-var]


def test_a_worker_that_came_before_the_disturbance_replaces_none() -> None:
    assert "replaced" not in values(disturbed(sampled=replace(disturbed().sampled, newcomer=0.005)))  # type: ignore[type-var]


def test_posts_are_told_apart() -> None:
    beside = replace(cell(workload="echo").load)
    run = disturbed(2)
    run.cell = replace(run.cell, background=(beside,))
    run.all_loads = [*run.loads, load(failures=4, errors={"status 502": 4})]
    found = values(run)
    assert (found["lost"], found["lost_posts"]) == (6, 4)


def test_of_a_quiet_cell_nothing_is_asked_of_losses() -> None:
    assert {"each has a fate", "as disturbed"}.isdisjoint(finding.rule for finding in audit(raw(), values(raw())))
    assert "lost" not in values(raw())


LIMITED, CALM, OPEN = ("FastAPI, with limits", "beside a flood"), ("FastAPI, with limits", "alone"), ("FastAPI, without", "beside a flood")
FULL, NEW, KEPT = (("Nginx", WORDS[way]) for way in ("tls new", "new", "tls kept"))
# Values of cells without a prediction: a rate limit with a burst of 21 and then 40 requests a second, and Nginx's microseconds.
TIMES: dict[tuple[str, str], dict[str, float]] = {
    CALM: {"p99": 0.06, "own_lost": 0, "refused": 0},
    LIMITED: {"p99": 0.07, "own_lost": 0, "refused": 600, "beside": 121, "beside_seconds": 2.5},
    OPEN: {"p99": 1.0, "own_lost": 0, "refused": 0, "beside": 400, "beside_seconds": 2.5},
    **{("Nginx", words): {"proxy_us": 200.0} for words in WORDS.values()},
    FULL: {"proxy_us": 900.0},
}


SEEN = {"lost": 0.0, "lost_posts": 0.0, "recovery": 0.1, "met": 3.0, "again": 0.0, "share_3": 0.0}


def judged(name: str, changes: dict[tuple[str, str], dict[str, float]]) -> Verdict:
    """Return the verdict on an experiment whose cells are as predicted, except for ``changes`` by variant and step."""
    found: list[CellResult] = []
    for one in ALL[name].cells(False):
        seen = {**SEEN, **one.predicted}
        seen |= TIMES.get((one.variant.name, str(one.step)), {})
        seen |= changes.get((one.variant.name, str(one.step)), {})
        seen = {metric: value for metric, value in seen.items() if value >= 0}
        found.append(result(one.variant.name, one.step, dict(one.predicted), **seen))
    return ALL[name].judge(Evidence(found, {}, full=False))


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("graceful", "holds"),
        ("self-healing", "holds with a limit"),
        ("balance", "holds"),
        ("shield", "holds"),
        ("tls", "holds"),
    ],
)
def test_as_predicted(name: str, outcome: str) -> None:
    found = judged(name, {})
    assert found.outcome == outcome
    assert all(check.passed for check in found.checks)
    assert sum(check.bound for check in found.checks) >= (0 if name == "tls" else 3)


BROKEN: dict[str, tuple[str, tuple[str, str], dict[str, float]]] = {
    "a reload that loses": ("graceful", ("Flask", "HUP"), {"lost": 1}),
    "a GET that is not asked again": ("graceful", ("Django, two servers", "TERM to one of two"), {"lost": 3, "lost_posts": 2}),
    "a server out of the list that loses": ("graceful", ("Flask, two servers", "out of the list, TERM"), {"lost": 1, "lost_posts": 1}),
    "a loop that cuts off what it holds": ("graceful", ("Django, asked directly", "TERM, with a line"), {"lost": 12}),
    "a server that finishes nothing": ("graceful", ("Flask, asked directly", "TERM, with a line"), {"lost": 12}),
    "a worker that takes others with it": ("self-healing", ("Flask, 4 sync workers", "SIGKILL"), {"lost": 2}),
    "a worker that is never replaced": ("self-healing", ("FastAPI, 2 loops", "hung (SIGSTOP)"), {"replaced": -1}),
    "a hung worker that is noticed late": ("self-healing", ("FastAPI, 2 loops", "hung (SIGSTOP)"), {"replaced": 9}),
    "a server that gets most": ("balance", ("Flask", "two servers"), {"share_1": 80, "share_2": 20}),
    "a server that gets nothing": ("balance", ("FastAPI", "a third comes, the first goes"), {"share_3": 0}),
    "a flood that gets what it likes": ("shield", LIMITED, {"beside": 400}),
    "a flood that gets nothing": ("shield", LIMITED, {"beside": 60, "beside_rate": 0}),
    "another client that is refused": ("shield", LIMITED, {"own_lost": 1}),
    "another client that is kept waiting": ("shield", LIMITED, {"p99": 0.2}),
    "a flood that nobody would notice anyway": ("shield", OPEN, {"p99": 0.07}),
    "a handshake that costs nothing": ("tls", FULL, {"proxy_us": 190}),
    "kept connections that are none": ("tls", KEPT, {"proxy_us": 800}),
    "a server that leaves with a request": ("balance", ("FastAPI", "a third comes, the first goes"), {"lost": 1}),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_does_not_hold(what: str) -> None:
    name, where, changes = BROKEN[what]
    assert judged(name, {where: changes}).outcome == "does not hold"


@pytest.mark.parametrize("replaced", [None, 4.2], ids=["not seen", "late"])
@pytest.mark.parametrize(("used", "told"), [(1.96, False), (0.9, True)], ids=["busy", "quiet"])
def test_a_start_that_other_programs_kept_waiting_refutes_nothing(replaced: float | None, used: float, told: bool) -> None:
    """A worker needs a second of CPU time to start. If none is to spare, a late start proves nothing about its manager."""
    planned = ALL["self-healing"].cells(False)
    cells = [result(one.variant.name, one.step, dict(one.predicted), **SEEN | one.predicted) for one in planned]
    late = next(one for one in cells if one.variant == "FastAPI, 2 loops")
    for run in late.runs:
        run.watched.update(machine_cpus=2.0, machine_busy=used)
        run.values.pop("replaced")
        run.values.update({"replaced": replaced} if replaced else {})
    if told:
        assert ALL["self-healing"].judge(Evidence(cells, {}, full=False)).outcome == "does not hold"
    else:
        with pytest.raises(NotValidError, match="FastAPI, 2 loops / SIGKILL is not valid: other programs: 98% of this machine's CPUs"):
            ALL["self-healing"].judge(Evidence(cells, {}, full=False))


def test_posts_that_a_stopping_server_loses_are_the_limit() -> None:
    found = judged("graceful", {("Flask, two servers", "TERM to one of two"): {"lost": 3, "lost_posts": 3}})
    assert found.outcome == "holds with a limit"
    assert "POSTs lost: Flask 3" in found.sentence

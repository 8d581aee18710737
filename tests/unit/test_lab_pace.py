"""How fast the machine computes, and what a report says about it."""

import os
from dataclasses import replace

import pytest

from loadtest.engine.cpu_speed import pace
from loadtest.judging.evidence import Evidence
from loadtest.judging.steadiness import changed, sentence, spread
from loadtest.report.page import page
from loadtest.report.text import markdown
from loadtest.results import Check, Outcome, Results
from tests.unit.lab_results import results, thousands


def with_paces(*paces: float) -> Results:
    """Return results with these paces before and after a cell's first run, then before and after its rejected runs."""
    made = results(thousands())
    (cell, *cells), (first, *more) = made.experiments[0].cells, made.experiments
    runs = [
        replace(cell.runs[0], watched={"pace_before": before, "pace_after": after})
        for before, after in zip(paces[::2], paces[1::2], strict=True)
    ]
    return replace(made, experiments=[replace(first, cells=[replace(cell, runs=runs[:1], rejected=runs[1:]), *cells]), *more])


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system does not bind processes to CPUs")
def test_measuring_leaves_the_process_where_it_was() -> None:
    before = os.sched_getaffinity(0)
    assert 0 < pace() < 1
    assert os.sched_getaffinity(0) == before


@pytest.mark.parametrize(("watched", "answer"), [((1.0, 1.1), False), ((1.0, 1.2), True), ((1.2, 1.0), True)])
def test_a_machine_that_changed(watched: tuple[float, float], answer: bool) -> None:
    assert changed(dict(zip(("pace_before", "pace_after"), watched, strict=True))) is answer


def test_an_unknown_pace_has_not_changed() -> None:
    assert not changed({})
    assert spread(thousands().cells) is None
    assert sentence(results(thousands())) == ""


def test_rejected_runs_count_too() -> None:
    assert spread(with_paces(0.001, 0.0011, 0.001, 0.0018).experiments[0].cells) == pytest.approx(1.8)


def test_a_report_says_when_the_machine_was_not_quiet() -> None:
    unquiet, quiet = with_paces(0.001, 0.0018), with_paces(0.001, 0.0011)
    assert "doubt" in sentence(unquiet)
    assert "doubt" not in sentence(quiet)
    for made in (unquiet, quiet):
        assert sentence(made) in markdown(made)
        assert sentence(made) in page(made)


@pytest.mark.parametrize(
    ("passed", "paces", "outcome"),
    [
        (False, (0.001, 0.0011), "does not hold"),
        (False, (0.001, 0.0013), "not valid"),
        (True, (0.001, 0.0018), "holds"),
        (None, (0.001, 0.0018), "no difference seen"),
    ],
)
def test_a_machine_that_was_not_quiet_refutes_nothing(passed: bool | None, paces: tuple[float, ...], outcome: Outcome) -> None:
    evidence = Evidence(with_paces(*paces).experiments[0].cells, {}, full=False)
    assert evidence.verdict([Check("so it is", passed)], "It does.", "It does not.").outcome == outcome

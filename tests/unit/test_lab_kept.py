"""A run that is saved after each experiment, its expected duration, and what a short run leaves out."""

import io
from dataclasses import replace
from math import nan
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from loadtest.engine import forecast, short
from loadtest.engine.forecast import Forecast, about, expected
from loadtest.engine.machine import FULL, QUICK, SHORT, Plan
from loadtest.engine.terminal import Progress
from loadtest.experiments import ORDER, experiments
from loadtest.report.ci import github, junit
from loadtest.report.files import read
from loadtest.report.page import page
from loadtest.report.schema import ReportError
from loadtest.report.text import markdown
from loadtest.report.unfinished_run import Kept
from loadtest.results import ExperimentResult, Results, Verdict
from tests.unit.lab_results import cell, experiment, results

NAMES = ["one", "two", "three"]
OPTIONS = {"experiments": NAMES, "full": False}
CONDITIONS = {"cpus": 2, "services": {"flask": "3.1"}}


def named(name: str, outcome: Any = "holds") -> ExperimentResult:
    return replace(experiment(cell(throughput=5.0, p99=1.0)), name=name, verdict=Verdict(outcome, "It does."))


def found(*names: str) -> Results:
    return results(*map(named, names))


def kept(folder: Path) -> Kept:
    return Kept(folder, "lab", OPTIONS, CONDITIONS)


def test_nothing_is_there_before_an_experiment_is_done(tmp_path: Path) -> None:
    assert kept(tmp_path).left == "Nothing was written and nothing is left running."
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ReportError, match="nothing to continue"):
        Kept.newest(tmp_path)


def test_it_is_written_after_each_and_finished_with_the_last(tmp_path: Path) -> None:
    run = kept(tmp_path)
    for number in (1, 2, 3):
        run.write(found(*NAMES[:number]))
        assert [one.name for one in read("latest", tmp_path).experiments] == NAMES[:number]
        assert run.place
        files = {file.name for file in run.place.iterdir()}
        assert files == {"results.json", "report.html", "report.md", "verdicts.json"} | ({"run.json"} if number < 3 else set())
        text = (run.place / "report.html").read_text()
        assert ("broken off before" in text) == (number < 3)
    assert run.missing == []


def test_it_is_continued_in_the_order_that_was_asked_for(tmp_path: Path) -> None:
    first = kept(tmp_path)
    first.write(replace(found("one"), experiments=[named("one"), named("two", "failed")]))
    again = Kept.newest(tmp_path)
    assert (again.place, again.done, again.missing) == (first.place, ["one"], ["two", "three"])
    again.check(CONDITIONS)
    whole = again.write(found("three"))
    assert [one.name for one in whole.experiments] == ["one", "three"]
    third = Kept.newest(tmp_path)
    whole = third.write(found("two"))
    assert [one.name for one in whole.experiments] == NAMES
    assert [one["experiments"] for one in whole.manifest["sittings"]] == [["one"], ["three"], ["two"]]
    assert "not measured yet" not in whole.manifest
    assert read("latest", tmp_path) == whole


def test_the_worse_of_two_calibrations_counts(tmp_path: Path) -> None:
    run = kept(tmp_path)
    run.write(replace(found("one"), session=replace(found().session, ceiling=900.0, noise={"p50": 0.01, "p99": 0.2})))
    session = Kept.newest(tmp_path).write(found("two")).session
    assert (session.ceiling, session.noise) == (900.0, {"p50": 0.05, "p99": 0.2, "throughput": 0.02})


def test_what_is_not_alike_is_named(tmp_path: Path) -> None:
    kept(tmp_path).write(found("one"))
    with pytest.raises(ReportError) as refused:
        Kept.newest(tmp_path).check({"cpus": 4, "services": {"flask": "3.2"}})
    assert "cpus was 2 and is 4; services flask was 3.1 and is 3.2" in str(refused.value)
    assert str(refused.value).endswith("make lab X='two three'")


def test_what_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    run = kept(tmp_path)
    run.write(found("one"))
    broken = named("two")
    broken.cells[0].runs[0].values["throughput"] = nan
    with pytest.raises(ReportError):
        run.write(replace(found("one"), experiments=[named("one"), broken]))
    assert run.missing == ["two", "three"]


def test_a_failed_one_is_shown_everywhere() -> None:
    made = results(named("one"), replace(named("two", "failed"), cells=[], verdict=Verdict("failed", "KeyError: 'x'. Its log: two.log")))
    assert "! failed" in page(made)
    assert "KeyError: &#39;x&#39;. Its log: two.log" in page(made)
    assert "! failed" in markdown(made)
    assert 'name="runs to its end"' in junit(made)
    assert any(line.startswith("::error title=two::runs to its end: KeyError") for line in github(made))
    assert [one.name for one in made.failed] == ["two"]


@pytest.mark.parametrize("name", ORDER)
def test_a_short_run_does_each_thing_that_an_experiment_does(name: str) -> None:
    cells = list(experiments()[name].cells(False))
    chosen = short.chosen(cells)
    assert len(chosen) >= min(2, len(cells))
    for does in (lambda one: {(one.load.kind, one.load.workload, one.load.way)}, lambda one: {what.what for what in one.disturbances}):
        assert set().union(*map(does, chosen)) == set().union(*map(does, cells))
    for one in chosen:
        made = short.shortened(one, SHORT)
        assert made.disturbances == one.disturbances
        assert made.disturbances or made.seconds is None or made.seconds <= SHORT.seconds


def test_a_short_run_has_no_verdict() -> None:
    assert short.verdict(Verdict("holds", "It does.")).outcome == "not valid"


def test_the_time_is_known_before() -> None:
    """From the experiments' own plans: a short run takes no longer than a quick one, and a quick run no longer than a full one."""
    plans = [Plan(SHORT, False, 1), Plan(QUICK, False, 1), Plan(FULL, True, 1)]
    for name, one in experiments().items():
        times = [expected(one, plan) for plan in plans]
        assert 0 < times[0] <= times[1], name
        assert times[1] <= times[2], name


def test_what_is_left_follows_the_pace_until_now(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(forecast, "monotonic", lambda: now[0])
    monkeypatch.setattr(forecast, "expected", lambda *_: 30.0)
    run = Forecast(list(experiments().values())[:4], Plan(QUICK, False, 1))
    assert run.left > 120
    run.start()
    assert run.left == 120
    now[0] = 60.0
    run.next()
    assert (run.left, run.words) == (180.0, "about 3 min")
    now[0] = 100.0
    assert run.left == 140
    for _ in range(3):
        run.next()
    assert run.left == 0
    assert about(44) == "about 40 s"


@pytest.mark.parametrize("terminal", [False, True])
def test_progress(terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    written = io.StringIO()
    made = Console(file=written, force_terminal=terminal, width=60)
    monkeypatch.setattr("loadtest.engine.terminal.Console", lambda stderr: made)
    progress = Progress()
    progress("queue (1 of 2)", "starting Flask and whatever else is needed for it, which is more than a line")
    progress.line("1 of 2 queue: holds")
    progress.line("2 of 2 slots: failed", lasting=True)
    progress.end()
    if terminal:
        assert "queue (1 of 2): starting" in written.getvalue()
        assert "1 of 2 queue" not in written.getvalue()
        assert "2 of 2 slots: failed" in written.getvalue()
    else:
        assert written.getvalue() == ""
        assert capsys.readouterr().err == "1 of 2 queue: holds\n2 of 2 slots: failed\n"


@pytest.mark.parametrize("state", ["{", "[]", "{}"])
def test_a_state_that_is_none(tmp_path: Path, state: str) -> None:
    run = kept(tmp_path)
    run.write(found("one"))
    assert run.place
    (run.place / "run.json").write_text(state)
    with pytest.raises(ReportError, match=r"run\.json cannot be read"):
        Kept.newest(tmp_path)

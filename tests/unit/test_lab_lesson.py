"""The first lesson's verdict and exit status, on cells made by hand. A slow machine is no error, and no statement is false."""

import io
from argparse import Namespace
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtest.commands import running
from loadtest.commands.load import wrong_answers
from loadtest.experiments.load import Probe, first_lesson, predicted
from loadtest.generator.parameters import Parameters
from loadtest.judging.bounds import Bounds, Cost, Cpus
from loadtest.judging.evidence import Evidence
from loadtest.model import Load, Variant, loop, sync
from loadtest.report.ci import github, junit
from loadtest.report.page import page
from loadtest.report.text import markdown
from loadtest.results import CellResult, Finding, Results, Verdict
from tests.unit import lab_results

FLASK, FASTAPI, DJANGO = sync(4), loop("fastapi"), loop("django", workers=2)
VARIANTS = (FLASK, FASTAPI, DJANGO)
WAIT = Load("closed", "wait", Parameters(wait=0.2), users=40)
# Costs on a slow machine.
COSTS = {
    FLASK.name: Cost(0.003, 0.0015, 0, 0.001),
    FASTAPI.name: Cost(0.00202, 0.00117, 0, 0.00085),
    DJANGO.name: Cost(0.00274, 0.0018, 0, 0.00094),
}
PROBE = Probe(COSTS, {}, Cpus(2, 2))


def seen(
    variant: Variant, rate: float, load: Load = WAIT, rule: str = "", watched: dict[str, float] | None = None, **changes: Any
) -> CellResult:
    """Return a cell with two windows of four seconds. If ``rule`` is given, both fail it."""
    run = lab_results.run(slices=[round(rate)] * 4, throughput=rate)
    audit = [Finding(rule, False, None, "seen so"), *run.audit] if rule else run.audit
    runs = [replace(run, watched=watched or {}, audit=audit, errors=changes.get("errors", {}))] * 2
    found = predicted(variant, load, PROBE)
    made = lab_results.cell(
        variant.name,
        40,
        {"throughput": found.high} if found else {},
        throughput=rate,
        p50=load.users / rate,
        runs=runs,
        not_valid=f"{rule}: seen so" if rule else None,
        limiter=changes.get("limiter", "not saturated"),
    )
    return replace(made, predicted_low={"throughput": found.low} if found else {})


def results(*cells: CellResult, load: Load = WAIT) -> Results:
    experiment = first_lesson(VARIANTS[: len(cells)], load, "make load", PROBE)
    verdict = experiment.judge(Evidence(cells, {}, full=False))
    return lab_results.results(lab_results.experiment(*cells, name="load", claim=experiment.claim, verdict=verdict))


def verdict(*cells: CellResult, load: Load = WAIT) -> Verdict:
    return results(*cells, load=load).experiments[0].verdict


def ended(found: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fail_on: str = "", gate: bool = False) -> tuple[int, str, str]:
    """Return the command's exit status, its standard output, and its standard error."""
    monkeypatch.setattr(running, "laboratory", lambda job, kept: found)
    options = Namespace(fail_on=fail_on, results=tmp_path, junit=None, github=False, json=False)
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        status = running.carry_out(options, lambda _: found, lambda _: "more", trouble=None if gate else wrong_answers)
    return status, out.getvalue(), err.getvalue()


QUIET = (seen(FLASK, 19.6), seen(FASTAPI, 197), seen(DJANGO, 169))
OTHERS = {"other_programs": 1.8}


def test_a_slow_machine_is_predicted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Django answers 169 of at most 200 requests a second, which is within the range predicted for this machine."""
    found = verdict(*QUIET)
    assert found.outcome == "holds"
    assert "10.1 times as many requests a second" in found.sentence
    assert [check.passed for check in found.checks] == [True] * 3
    status, out, _ = ended(results(*QUIET), tmp_path, monkeypatch)
    assert status == 0
    assert out.startswith("✓ load: holds. ")
    assert "156 to 197" in out


@pytest.mark.parametrize("rule", ["steady", "generator had room", "no hidden stall", "Little's law", "counts agree"])
def test_what_the_machine_could_not_tell(rule: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = results(*QUIET[:2], seen(DJANGO, 150, rule=rule))
    said = found.experiments[0].verdict
    assert (said.outcome, len(said.checks)) == ("not valid", 2)
    status, out, _ = ended(found, tmp_path, monkeypatch)
    assert status == 0
    assert out.startswith(f"∅ load: not valid. Django, 2 loops is not valid: {rule}: seen so.")
    assert "FastAPI, 1 loop answered" in said.sentence  # the result is reported all the same


def test_other_programs_take_the_cpu() -> None:
    """A miss then proves nothing about the service. The row says so too, in every form of the report."""
    cells = (*QUIET[:2], seen(DJANGO, 120, watched=OTHERS))
    found = results(*cells)
    said = found.experiments[0].verdict
    assert said.outcome == "not valid"
    assert said.sentence.startswith(
        "Django, 2 loops is not valid: other programs: 120 requests/s, predicted 156 to 197, while they used 1.8 of 2 CPUs. Run it again"
    )
    assert said.doubted.keys() == {cells[2].key}
    assert found.experiments[0].cells[2].valid  # each run passed the audit
    assert not found.marked().experiments[0].cells[2].valid
    first = "∅ load: not valid. Django, 2 loops is not valid: other programs"
    assert first.replace("/", "/") in markdown(found).split("| claim")[0].replace("\\", "")
    assert "| not valid: other programs" in markdown(found)
    html = page(found)
    assert html.index(first) < html.index("<table")
    assert 'class="void"' in html
    assert any(line.startswith("::error") and "other programs" in line for line in github(found))
    assert 'failures="1"' in junit(found)


def test_a_pace_that_changed() -> None:
    paces = {"pace_before": 0.001, "pace_after": 0.0014}
    said = verdict(*QUIET[:2], seen(DJANGO, 120, watched=paces))
    assert said.outcome == "not valid"
    assert "Django, 2 loops is not valid: same pace: 120 requests/s, predicted 156 to 197" in said.sentence


@pytest.mark.parametrize("rate", [120.0, 230.0])
def test_a_miss_on_a_quiet_machine_is_a_finding_and_no_error(rate: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = results(*QUIET[:2], seen(DJANGO, rate))
    said = found.experiments[0].verdict
    assert (said.outcome, said.doubted) == ("does not hold", {})
    assert f"Django, 2 loops: {rate:g} requests/s, predicted 156 to 197" in said.sentence
    assert ended(found, tmp_path, monkeypatch)[0] == 0


def test_other_programs_are_no_excuse_for_what_was_met() -> None:
    assert verdict(*QUIET[:2], seen(DJANGO, 169, watched=OTHERS)).outcome == "holds"


@pytest.mark.parametrize(
    ("rule", "error", "status"),
    [
        ("none too early", "", 1),
        ("as declared", "", 1),
        ("successes only", "an answer to another request", 1),
        ("successes only", "status 500", 1),
        ("successes only", "status 502", 1),
        ("successes only", "status 503", 0),  # refused, as an overloaded service must do
        ("successes only", "status 504", 0),
        ("steady", "", 0),
    ],
)
def test_an_error_is_what_a_person_can_mend(rule: str, error: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = results(*QUIET[:2], seen(DJANGO, 150, rule=rule, errors={error: 3} if error else {}))
    ended_with, _, err = ended(found, tmp_path, monkeypatch)
    assert ended_with == status
    assert ("loadtest: Django, 2 loops" in err) is bool(status)


def test_a_threshold_of_the_callers_own_is_strict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ended(results(*QUIET), tmp_path, monkeypatch, "load:throughput<10")[0] == 0
    assert ended(results(*QUIET), tmp_path, monkeypatch, "load:throughput<100")[0] == 1
    assert ended(results(*QUIET[:2], seen(DJANGO, 120, watched=OTHERS)), tmp_path, monkeypatch, "load:throughput<10")[0] == 1


def test_the_laboratory_is_a_gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ended(results(*QUIET), tmp_path, monkeypatch, gate=True)[0] == 0
    for cell in (seen(DJANGO, 150, rule="steady"), seen(DJANGO, 120)):
        assert ended(results(*QUIET[:2], cell), tmp_path, monkeypatch, gate=True)[0] == 1


CPU = Load("closed", "cpu", Parameters(), users=40)


@pytest.mark.parametrize(
    ("limiter", "outcome"),
    [("server CPU", "holds"), ("CPU of the machine", "holds"), ("not saturated", "no difference seen"), ("other programs", "not valid")],
)
def test_requests_that_do_not_wait(limiter: str, outcome: str) -> None:
    """Nothing is predicted for them; the claim is about the CPU."""
    found = results(seen(FLASK, 110, CPU, limiter="server CPU"), seen(FASTAPI, 150, CPU, limiter=limiter), load=CPU)
    assert found.experiments[0].claim == "Requests that wait for nothing are answered as fast as CPUs allow."
    assert found.experiments[0].verdict.outcome == outcome
    assert ("FastAPI, 1 loop" in found.experiments[0].verdict.sentence) is True


@pytest.mark.parametrize(
    ("workload", "variant", "at_most"),
    [
        ("block", DJANGO, 2 / 0.1),  # a blocked loop holds one request
        ("offload", replace(DJANGO, helpers=6), 12 / 0.1),
        ("offload", DJANGO, None),  # the number of a loop's threads on another machine is unknown
        ("offload", FLASK, 4 / 0.1),
        ("query", replace(FASTAPI, pool=10), 10 / 0.3),
        ("query", FASTAPI, None),  # the number of its connections is unknown, too
        ("query", replace(FLASK, pool=1), 4 / 0.3),
        ("cpu", FASTAPI, None),
        ("upstream", FLASK, 4 / 0.3),
        ("stream", FASTAPI, 40 / 0.9),
    ],
)
def test_what_is_predicted_is_what_bounds_the_workload(workload: str, variant: Variant, at_most: float | None) -> None:
    load = Load("closed", workload, Parameters(wait=0.1), users=40)
    found = predicted(variant, load, Probe({variant.name: Cost(0, 0)}, {}, Cpus(2, 2)))
    assert found == (at_most and Bounds(pytest.approx(at_most), pytest.approx(at_most)))


def test_nothing_is_predicted_where_the_probe_saw_nothing() -> None:
    assert predicted(FASTAPI, WAIT, Probe({}, {}, Cpus(2, 2))) is None


def test_all_are_equal_and_one_service_alone() -> None:
    few = replace(WAIT, users=4)
    even = verdict(seen(FLASK, 19.6, few), seen(FASTAPI, 19.5, few), load=few)
    assert (even.outcome, even.sentence) == ("holds", "All answered equally many requests a second within 10 % (19.6 against 19.5).")
    assert verdict(seen(FLASK, 19.6, few), load=few).sentence == "Flask, 4 sync workers answered 19.6 requests a second."


def test_the_last_of_a_queue() -> None:
    found = verdict(*QUIET[:2])
    assert found.sentence.endswith("; half of the answers of Flask, 4 sync workers took 2.04 s or more, for 200 ms of being served.")


def test_the_experiment_states_its_command_and_compares_no_services() -> None:
    made = first_lesson(VARIANTS, WAIT, "make load USERS=40", PROBE)
    assert (made.command, made.compares) == ("make load USERS=40", False)
    assert [len(cell.predicted) for cell in made.cells(False)] == [1, 1, 1]

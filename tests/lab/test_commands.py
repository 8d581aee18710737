"""The laboratory's commands that need no stack, each run to its end in a short form: exit status and report, and no numbers.

``make chaos`` needs Docker: tests/docker/test_chaos.py. No experiment does.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from loadtest.engine import short
from loadtest.experiments import ORDER, experiments
from loadtest.report.files import read
from loadtest.results import CellResult, Results
from runtime.local.plan import LAB
from tests.conftest import ROOT
from tests.lab.laboratory import ENVIRONMENT, left, soon
from tests.lessons.test_plans import PROFILES

pytestmark = pytest.mark.long


def run(*words: str, seconds: float = 120.0, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = {**ENVIRONMENT, "PYTHONPATH": f"{ROOT}:{ROOT / 'services/shared'}"}
    return subprocess.run([sys.executable, "-m", *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=seconds)


def refused(cell: CellResult) -> bool:
    """Return whether a cell was not measured because the load generator of a busy machine could not produce its load."""
    return "half of what the load generator can do" in (cell.not_valid or "")


@pytest.fixture(scope="module")
def all_of_them(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """The process and the results folder of `make lab X=all SHORT=1`."""
    folder = tmp_path_factory.mktemp("results")
    words = ("loadtest", "lab", "--experiments", "all", "--short", "--results", str(folder))
    return run(*words, seconds=1800.0), folder


@pytest.fixture(scope="module")
def report(all_of_them: tuple[subprocess.CompletedProcess[str], Path]) -> Results:
    return read("latest", all_of_them[1])


def test_lab_ends_well(all_of_them: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    done, folder = all_of_them
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert f"Report: {(folder / 'latest').resolve()}" in done.stdout
    lines = done.stderr.splitlines()
    assert lines[0].startswith(f"{len(ORDER)} experiments, about ")
    assert [line.split()[3] for line in lines[1:]] == [f"{name}:" for name in ORDER]
    assert soon(lambda: not left()), left()
    assert not (LAB / "variants").exists()
    assert not list(folder.rglob("*.log")) + list(folder.rglob("run.json"))


@pytest.mark.parametrize("name", ORDER)
def test_an_experiment_runs_to_its_end(report: Results, name: str) -> None:
    (result,) = [one for one in report.experiments if one.name == name]
    assert result.verdict.sentence == short.SENTENCE
    made = experiments()[name]
    cells = list(made.cells(False))
    measured = {cell.key for cell in short.chosen(cells)}
    assert [cell.key for cell in result.cells][: len(cells)] == [cell.key for cell in cells]
    for cell, planned in zip(result.cells, cells, strict=False):  # an inspection without load adds cells
        assert bool(cell.runs) == (cell.key in measured) or refused(cell), cell.not_valid
        assert planned.load.kind == "hold" or all(run.counts["begun"] for run in cell.runs)  # idle connections send no requests
    assert len(result.cells) > len(cells) if made.look else result.cells


def test_the_report_has_all(report: Results, all_of_them: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    assert [one.name for one in report.experiments] == list(ORDER)
    for file in ("report.html", "report.md"):
        text = (all_of_them[1] / "latest" / file).read_text()
        assert "A short run" in text
        assert all(one.command in text for one in report.experiments)


def test_compare(report: Results, all_of_them: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    done = run("loadtest", "compare", "--a", "latest", "--b", "latest", "--results", str(all_of_them[1]))
    assert done.returncode == 0, done.stderr
    assert "complexity" in done.stdout


def test_plan_and_its_check(tmp_path: Path) -> None:
    """The costs come from an earlier measurement. Whether they match this machine is not checked."""
    kept = tmp_path / ".run" / "profiles.json"
    kept.parent.mkdir()
    kept.write_text(PROFILES.read_text())
    planned = run("loadtest", "plan", "--json", folder=tmp_path)
    assert planned.returncode == 0, planned.stderr
    assert json.loads(planned.stdout)["plans"]
    checked = run("loadtest", "plan", "--check", "--results", str(tmp_path), seconds=600.0, folder=tmp_path)
    assert checked.returncode in (0, 1), checked.stderr  # whether the plans hold depends on the machine
    assert "Report: " in checked.stdout, checked.stdout + checked.stderr
    (found,) = read("latest", tmp_path).experiments
    assert len(found.cells) == 3
    assert all(cell.runs or refused(cell) for cell in found.cells)


def test_bench() -> None:
    done = run("loadtest.bench", "--rounds", "1", "--json", seconds=600.0)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["samples"]
    assert report["idle_stack_mib"]

"""One experiment from the command line to the report. The measured values depend on the machine, and are not checked."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loadtest.report.files import read
from loadtest.report.schema import wrong
from runtime.local.plan import LAB
from tests.lab.laboratory import laboratory, left, soon


class Done:
    """A run that has ended."""

    def __init__(self, results: Path) -> None:
        with laboratory(results, "--experiments", "queue", "--json", "--junit", str(results / "junit.xml")) as run:
            self.status, self.out, self.err = run.end()
            self.nothing_is_left = soon(lambda: not left())
        self.results = results
        self.document: dict[str, Any] = json.loads(self.out)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    yield Done(tmp_path_factory.mktemp("results"))


def test_the_status_says_whether_all_was_valid_and_as_predicted(done: Done) -> None:
    (experiment,) = done.document["experiments"]
    bound = [check["passed"] for check in experiment["verdict"]["checks"] if check["bound"]]
    fine = all(cell["not_valid"] is None for cell in experiment["cells"]) and all(bound)
    assert done.status == (0 if fine else 1), done.err
    assert "Traceback" not in done.err


def test_results_are_valid_and_complete(done: Done) -> None:
    assert wrong(done.document) is None
    (experiment,) = done.document["experiments"]
    assert len(experiment["cells"]) == 3
    for cell in experiment["cells"]:
        assert len(cell["runs"]) == 2
        for run in cell["runs"]:
            ends = [run["values"][f"rank_{rank}"] for rank in range(1, 9)]
            assert ends == sorted(ends)
            assert ends[0] >= 1  # each request waits for a second
            assert run["values"]["makespan"] >= ends[-1] * 0.999
            assert run["counts"]["ended"] == run["counts"]["served"] == 8
            assert min(run["watched"]["pace_before"], run["watched"]["pace_after"]) > 0
            assert {finding["rule"] for finding in run["audit"]} >= {"Little's law", "counts agree", "as declared"}
    assert done.document["session"]["ceiling"] > 0
    assert done.document["manifest"]["command"] == "make lab X=queue RUNTIME=local SEED=1"


def test_the_report_is_there(done: Done) -> None:
    latest = done.results / "latest"
    assert latest.is_symlink()
    assert f"Report: {latest.resolve()}" in done.err
    assert json.loads((latest / "results.json").read_text()) == done.document
    assert read("latest", done.results).experiments[0].name == "queue"
    assert "Eight requests arrive" in (latest / "report.html").read_text()
    assert (done.results / "junit.xml").read_text().startswith("<?xml")


def test_nothing_is_left(done: Done) -> None:
    assert done.nothing_is_left
    assert not (LAB / "variants").exists()

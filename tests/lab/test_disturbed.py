"""Faults in services under real load: the loss is exactly what theory predicts, and every request is accounted for."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.conftest import ROOT

# These tests do not check whether the machine is quiet enough for a measurement.
OF_THE_MACHINE = {"generator had room"}
Cells = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Cells:
    folder = tmp_path_factory.mktemp("disturbed")
    ran = subprocess.run([sys.executable, "-m", "tests.lab.disturbed", str(folder)], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    return {(cell["variant"], cell["step"]): cell for cell in json.loads(ran.stdout)["cells"]}


def test_every_request_is_accounted_for(cells: Cells) -> None:
    findings = [finding for cell in cells.values() for run in cell["runs"] for finding in run["audit"]]
    assert {"each has a fate", "as disturbed"} <= {finding["rule"] for finding in findings}
    assert not [finding for finding in findings if not finding["passed"] and finding["rule"] not in OF_THE_MACHINE]


def test_an_end_costs_neither_what_a_server_holds_nor_its_line(cells: Cells) -> None:
    """Twelve requests arrived together, and each of the four workers held one."""
    (run,) = cells["Flask, asked directly", "TERM, with a line"]["runs"]
    assert (run["values"]["lost"], run["values"]["unanswered"], run["counts"]["succeeded"]) == (0, 0, 12)


def test_behind_nginx_the_other_server_answers_the_line(cells: Cells) -> None:
    (run,) = cells["Flask, two servers", "TERM, with a line"]["runs"]
    assert run["values"]["lost"] == 0
    assert run["counts"]["succeeded"] == 12


def test_a_server_that_leaves_the_list_first_loses_no_post(cells: Cells) -> None:
    (run,) = cells["Flask, two servers", "out of the list, TERM"]["runs"]
    assert run["values"]["lost"] == 0


def test_a_killed_worker_takes_its_request_with_it_and_is_replaced(cells: Cells) -> None:
    """One request is lost, or none: on a busy machine a user may be late, and the killed worker idle."""
    (run,) = cells["Flask, 4 sync workers", "SIGKILL"]["runs"]
    assert run["values"]["lost"] in (0, 1)
    assert run["errors"] == ({"status 502": 1} if run["values"]["lost"] else {})
    assert run["values"]["replaced"] > 0

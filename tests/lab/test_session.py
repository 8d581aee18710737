"""What a session does before it measures, on a real service that takes long over its first answer."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.conftest import ROOT

WAKING_SECONDS = 2.0


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("session")
    ran = subprocess.run(
        [sys.executable, "-m", "tests.lab.session", str(folder), str(WAKING_SECONDS)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def test_a_slot_has_answered_before_it_is_measured(experiment: dict[str, Any]) -> None:
    (run,) = experiment["cells"][0]["runs"]
    assert run["values"]["makespan"] < WAKING_SECONDS


def test_more_arrivals_than_the_generator_makes_are_refused(experiment: dict[str, Any]) -> None:
    too_much = experiment["cells"][1]
    assert too_much["runs"] == []
    assert "half of what the load generator can do" in too_much["not_valid"]


def test_a_verdict_that_needs_them_is_not_given(experiment: dict[str, Any]) -> None:
    assert experiment["verdict"]["outcome"] == "not valid"

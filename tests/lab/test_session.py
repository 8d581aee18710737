"""What a session does before it measures, on a real service with a slow first answer."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

WAKING_SECONDS = 2.0
WAIT = 0.1  # seconds in the database


@pytest.fixture(scope="module")
def experiment() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # PostgreSQL may run as another user, which must enter the folder; pytest's own folders are closed
        ran = subprocess.run(
            [sys.executable, "-m", "tests.lab.session", folder, str(WAKING_SECONDS)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert not (Path(folder) / "variants").exists()
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


def test_who_needs_a_connection_stands_in_line_for_one(experiment: dict[str, Any]) -> None:
    """The queries run in two rounds, and the database's work is counted separately."""
    (run,) = experiment["cells"][2]["runs"]
    assert run["errors"] == {}
    assert run["values"]["makespan"] >= 2 * WAIT
    assert run["values"]["database_us"] > 100
    assert run["watched"]["upstream_seconds"] < run["watched"]["database_seconds"]


def test_of_many_who_ask_the_database_for_one_thing_one_does(experiment: dict[str, Any]) -> None:
    (run,) = experiment["cells"][3]["runs"]
    assert run["errors"] == {}
    assert run["counts"]["ended"] == 4
    assert run["values"]["computed"] == 1
    assert run["values"]["cache_us"] > 0
    assert {finding["rule"]: finding for finding in run["audit"]}["counts agree"]["sentence"].endswith("the cache 4")


def test_django_serves_by_its_other_interface(experiment: dict[str, Any]) -> None:
    """As many slots and processes as requested, which the audit checks, and the right answers."""
    (run,) = experiment["cells"][4]["runs"]
    assert (run["errors"], run["counts"]["succeeded"]) == ({}, 8)
    assert all(finding["passed"] for finding in run["audit"] if finding["rule"] in ("as declared", "counts agree", "successes only"))


def test_a_verdict_that_needs_them_is_not_given(experiment: dict[str, Any]) -> None:
    assert experiment["verdict"]["outcome"] == "not valid"

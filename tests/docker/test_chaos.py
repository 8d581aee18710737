"""``make chaos SHORT=1``: a few faults on a stack of the suite's own, and the promise that no client sees them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from loadtest.chaos.faults import cases
from loadtest.chaos.stack import PROJECT
from tests.conftest import ROOT
from tests.docker.lab_run import left


@pytest.fixture(autouse=True)
def _running() -> None:
    """No stack: the suite starts its own, and leaves others alone."""


def test_the_short_form_keeps_every_promise(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("F", "PLAIN")}
    ran = subprocess.run(
        [sys.executable, "-m", "loadtest", "chaos", "--short", "--json", "--results", str(tmp_path)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert ran.stdout, ran.stderr
    found = json.loads(ran.stdout)["cases"]
    assert [case["name"] for case in found] == [case.name for case in cases(short=True)]
    broken = {case["name"]: (case["broken"], [loss for loss in case["losses"] if not loss["excuse"]]) for case in found if case["broken"]}
    assert not broken, ran.stderr
    assert ran.returncode == 0
    for case in found:
        assert sum(case["counts"].values()) == case["planned"] > 100
        assert {"right", "failed", "wrong", "closed", "cut"} >= set(case["counts"])
    assert (tmp_path / "latest-chaos" / "report.html").is_file()
    assert left(PROJECT) == ""

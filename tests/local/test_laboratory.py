"""The laboratory beside a running stack: its own services would share the CPUs with it. The first lesson measures the stack itself."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from loadtest.stack import default_target
from runtime.local import supervisor
from tests.conftest import ROOT


@pytest.fixture(autouse=True)
def _running(stack: None) -> None:
    """Start the stack if it is not running."""


def loadtest(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "loadtest", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_it_does_not_measure_beside_a_stack(tmp_path: Path) -> None:
    done = loadtest("lab", "--experiments", "queue", "--results", str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "loadtest: The stack is running, and the laboratory starts services of its own on these CPUs. First: make down\n"
    )


def test_the_first_lesson(tmp_path: Path) -> None:
    before = {process["name"]: process["pid"] for process in supervisor.connect().getAllProcessInfo()}
    target = os.environ.get("TARGET") or default_target(os.environ)
    options = ["--users", "8", "--seconds", "1", "--warmup", "0.2", "--target", target, "--results", str(tmp_path), "--json"]
    done = loadtest("load", *options)
    assert done.returncode == 0, done.stderr  # how many requests are answered depends on the machine
    (experiment,) = json.loads(done.stdout)["experiments"]
    assert [cell["variant"].split(",")[0] for cell in experiment["cells"]] == ["Flask", "FastAPI", "Django"]
    for cell in experiment["cells"]:
        for run in cell["runs"]:
            assert run["counts"]["ended"] > 0
            assert run["counts"]["failures"] == 0
            assert run["values"]["min"] >= 0.199  # the wait of a user
            assert run["values"]["cpu_us"] > 0  # of processes that Supervisor started
            assert run["values"]["all_us"] > run["values"]["total_us"]  # including the generator's
        assert 0 < cell["predicted_low"]["throughput"] < cell["predicted"]["throughput"]
    assert f"Report: {(tmp_path / 'latest').resolve()}" in done.stderr
    assert {process["name"]: process["pid"] for process in supervisor.connect().getAllProcessInfo()} == before

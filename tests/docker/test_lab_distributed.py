"""``make lab RUNTIME=docker DISTRIBUTED=1``: services and load generators in containers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkouts import free_port
from tests.conftest import ROOT
from tests.docker.lab_run import LAB_PROJECT, OF_THE_MACHINE, PROJECT, left


@pytest.fixture(autouse=True)
def _running() -> None:
    """Start no stack: the laboratory starts its own services."""


def test_two_generators_in_containers(tmp_path: Path) -> None:
    settings = {"X": "queue", "RUNTIME": "docker", "DISTRIBUTED": "1", "GENERATORS": "2", "RESULTS": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-m", "loadtest", "lab", "--json"],
        cwd=ROOT,
        env={**os.environ, **settings, "COMPOSE_PROJECT_NAME": PROJECT, "LAB_PORT": free_port()},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode in (0, 1), ran.stderr  # 1 if the machine was too busy for a valid measurement
    found = json.loads(ran.stdout)
    assert found["session"]["generators"] == 2
    assert "DISTRIBUTED=1" in found["manifest"]["command"]
    runs = [run for experiment in found["experiments"] for cell in experiment["cells"] for run in cell["runs"]]
    assert [run["counts"]["ended"] for run in runs] == [8] * 6
    findings = [finding for run in runs for finding in run["audit"]]
    assert not [finding for finding in findings if not finding["passed"] and finding["rule"] not in OF_THE_MACHINE]
    assert left(LAB_PROJECT) == left(PROJECT) == ""

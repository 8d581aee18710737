"""Run lab_cells.py, and look for what it leaves behind."""

import json
import os
import subprocess
import sys
from typing import Any

from runtime.compose_file import project
from tests.conftest import ROOT

Found = dict[str, Any]
# A different project from that of the stack, which other tests keep running: the laboratory would not start beside it.
PROJECT = f"{project()}-lab-test"
# The project of the laboratory's services: loadtest/engine/docker.py.
LAB_PROJECT = f"{PROJECT}-lab"
# These tests do not check whether the machine is quiet enough for a measurement.
OF_THE_MACHINE = {"steady", "no hidden stall", "generator had room", "Little's law"}


def run_cells() -> list[Found]:
    """Run the cells, and return their results."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.docker.lab_cells"],
        cwd=ROOT,
        env={**os.environ, "COMPOSE_PROJECT_NAME": PROJECT},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found: list[Found] = json.loads(ran.stdout.splitlines()[-1])
    return found


def left(project: str) -> str:
    """Return the containers, networks and volumes of a Compose project."""
    of_it = ["--filter", f"label=com.docker.compose.project={project}", "--quiet"]
    kinds = (["ps", "--all"], ["network", "ls"], ["volume", "ls"])
    return "".join(subprocess.run(["docker", *kind, *of_it], capture_output=True, text=True, check=True).stdout for kind in kinds)

"""Runs lab_cells.py, and looks for what it left."""

import json
import os
import subprocess
import sys
from typing import Any

from runtime.compose_file import project
from tests.conftest import ROOT

Found = dict[str, Any]
# Another than that of the stack, which other tests have running: for it the laboratory would not start.
PROJECT = f"{project()}-lab-test"
# Of the laboratory's services: loadtest/engine/docker.py.
LAB_PROJECT = f"{PROJECT}-lab"
# Whether a machine that runs tests is quiet enough for a measurement is not what is tested.
OF_THE_MACHINE = {"steady", "no hidden stall", "generator had room", "Little's law"}


def run_cells() -> list[Found]:
    """What came of the cells."""
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
    """Containers, networks and volumes of a Compose project."""
    of_it = ["--filter", f"label=com.docker.compose.project={project}", "--quiet"]
    kinds = (["ps", "--all"], ["network", "ls"], ["volume", "ls"])
    return "".join(subprocess.run(["docker", *kind, *of_it], capture_output=True, text=True, check=True).stdout for kind in kinds)

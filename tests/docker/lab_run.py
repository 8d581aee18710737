"""Runs lab_cells.py, and looks for what it left."""

import json
import os
import subprocess
import sys
from typing import Any

from tests.checkouts import free_port
from tests.conftest import ROOT

Found = dict[str, Any]
# For the generators' containers: the stack that other tests run is none of theirs.
PROJECT = "twogates-lab-test"


def run_cells(generators: int) -> list[Found]:
    """What came of the cells with so many generators in containers."""
    environment = {**os.environ, "COMPOSE_PROJECT_NAME": PROJECT, "LAB_PORT": free_port()}
    ran = subprocess.run(
        [sys.executable, "-m", "tests.docker.lab_cells", str(generators)],
        cwd=ROOT,
        env=environment,
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

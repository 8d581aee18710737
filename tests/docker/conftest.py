"""The stack on Docker."""

import json
import subprocess
from typing import Any

import pytest

from tests.conftest import ROOT


@pytest.fixture(autouse=True)
def _running(stack: None) -> None:
    """Start it when it does not run."""


def docker(*arguments: str) -> str:
    """What a docker command prints."""
    return subprocess.run(["docker", *arguments], cwd=ROOT, capture_output=True, text=True, check=True, timeout=180).stdout


@pytest.fixture
def containers() -> list[dict[str, Any]]:
    """`docker inspect` of every container of the project, those of profiles too."""
    made: list[dict[str, Any]] = json.loads(docker("inspect", *docker("compose", "--profile", "*", "ps", "--all", "--quiet").split()))
    return made

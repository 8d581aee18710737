"""The stack on Docker."""

import json
import subprocess
from typing import Any

import pytest

from tests.conftest import ROOT


@pytest.fixture(autouse=True)
def _running(stack: None) -> None:
    """Start the stack if it is not running."""


def docker(*arguments: str) -> str:
    """Return the output of a docker command."""
    return subprocess.run(["docker", *arguments], cwd=ROOT, capture_output=True, text=True, check=True, timeout=180).stdout


@pytest.fixture
def containers() -> list[dict[str, Any]]:
    """`docker inspect` of every container of the project, including those in profiles."""
    made: list[dict[str, Any]] = json.loads(docker("inspect", *docker("compose", "--profile", "*", "ps", "--all", "--quiet").split()))
    return made

"""The stack that most tests talk to: started once for a run, in the runtime that RUNTIME names, and stopped at its end."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.choice import running
from tests.machine_load import MARK
from tests.measured import (  # noqa: F401  hooks and a fixture
    measure,
    pytest_collection_finish,
    pytest_configure,
    pytest_fixture_setup,
    pytest_runtest_call,
    pytest_terminal_summary,
    pytest_unconfigure,
)

ROOT = Path(__file__).parent.parent


def run_stack(action: str, **options: object) -> subprocess.CompletedProcess[str]:
    """What `make up` and its like run."""
    command = [sys.executable, "-m", "ops.stack", action]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, **options)  # type: ignore[call-overload,no-any-return]


@pytest.fixture(scope="session")
def stack() -> Iterator[None]:
    """The running stack. One that a person started already is used and left running, here or where TARGET says."""
    if "TARGET" in os.environ:
        yield
        return
    was_up = bool(running())
    if not was_up:
        started = run_stack("up")
        assert started.returncode == 0, started.stdout + started.stderr
    yield
    if not was_up:
        stopped = run_stack("down")
        assert stopped.returncode == 0, stopped.stdout + stopped.stderr
        if MARK in os.environ and os.environ.get("COMPOSE_PROJECT_NAME") == os.environ[MARK] and os.environ.get("RUNTIME") == "docker":
            # A project of this test run alone: its database has no further use.
            words = ["docker", "compose", "--profile", "*", "down", "--volumes", "--remove-orphans"]
            subprocess.run(words, cwd=ROOT, capture_output=True, check=True, timeout=120)

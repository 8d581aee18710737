"""The stack that most tests use. It is started once per run, in the runtime that RUNTIME names, and stopped when the run ends."""

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
    """Run the program behind `make up` and similar commands."""
    command = [sys.executable, "-m", "ops.stack", action]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, **options)  # type: ignore[call-overload,no-any-return]


@pytest.fixture(scope="session")
def stack() -> Iterator[None]:
    """Provide the running stack. A stack that already runs, here or at TARGET, is used and left running."""
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
            # This project belongs to this test run alone, so nothing needs its database any more.
            words = ["docker", "compose", "--profile", "*", "down", "--volumes", "--remove-orphans"]
            subprocess.run(words, cwd=ROOT, capture_output=True, check=True, timeout=120)

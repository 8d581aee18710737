"""Every Makefile command ends on Ctrl-C, however its shell started it. Commands on a stack: tests/local/test_interrupts.py."""

import os
import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.interrupts import background, interrupt, read_until

HANDLERS = "import signal; print(signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))"


def test_what_was_ignored_is_the_default_again() -> None:
    with background("timeit", "-n1", "-r1", HANDLERS) as process:
        printed, _ = process.communicate(timeout=60)
    assert "default_int_handler> 0\n" in printed, printed  # 0: signal.SIG_DFL


def test_every_command_is_started_by_what_resets_it() -> None:
    recipes = re.findall(r"^([a-z-]+):.*## .*\n\t(.+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert len(recipes) > 20
    assert [name for name, recipe in recipes if not recipe.startswith("$(RUN) ")] == ["help"]


@pytest.mark.parametrize(
    ("words", "begun"),
    [
        (("loadtest.bench", "--rounds", "100"), "memory of the idle stack"),
        (("loadtest", "lab", "--experiments", "middleware"), "1 experiment, about"),
        (("loadtest", "plan", "--again"), "measuring one first"),
    ],
    ids=["bench", "lab", "plan"],
)
def test_it_ends_on_ctrl_c(words: tuple[str, ...], begun: str) -> None:
    with background(*words, RUNTIME="local", DOCKER_HOST="tcp://127.0.0.1:1") as process:
        read_until(process, begun)
        status, rest = interrupt(process)
    assert status == 130, rest
    assert "interrupted" in rest
    assert "Traceback" not in rest


def test_a_closed_standard_input_is_an_empty_one() -> None:
    """Otherwise the first file that the program opens becomes descriptor 0, and Python has no ``sys.stdin`` at all."""
    command = [sys.executable, "runtime/venv.py", "none", "-m", "timeit", "-n1", "-r1", "import sys; print([sys.stdin.read()])"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, preexec_fn=lambda: os.close(0))
    assert done.stdout.startswith("['']"), done.stdout + done.stderr

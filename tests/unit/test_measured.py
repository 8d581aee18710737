"""The three outcomes of a measured test: met, not met, and too busy to tell."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from runtime import proc
from tests import machine_load
from tests.conftest import ROOT
from tests.machine_load import Sample, Watch

pytestmark = pytest.mark.skipif(not proc.SUPPORTED, reason="the evidence is in Linux's /proc")

TESTS = """
import pytest

pytestmark = pytest.mark.measured

@pytest.fixture(scope="module")
def seconds():
    import time
    time.sleep(2)  # a measurement, made once for several tests
    return 0.4

def test_met(measure, seconds):
    measure.that(seconds < 0.5, "slow")

def test_missed(measure, seconds):
    measure.that(seconds < 0.1, f"{seconds} s")

def test_wrong(measure, seconds):
    assert seconds == 4
    measure.that(seconds < 0.1, "slow")
"""
QUIET = "from tests.machine_load import Watch\nWatch.between = lambda *_: None\n"


def outcomes(folder: Path, plugin: str = "") -> str:
    """Run TESTS with pytest. Return its output."""
    (folder / "test_these.py").write_text(TESTS)
    (folder / "more_of_pytest.py").write_text(plugin)
    command = [sys.executable, "-m", "pytest", "-q", "-c", str(ROOT / "pyproject.toml"), "-p", "tests.measured", "-p", "more_of_pytest"]
    # A separate mark, so that this run counts the processes of the surrounding test run as foreign.
    environment = {**os.environ, machine_load.MARK: "a run within", "PYTHONPATH": str(folder)}
    done = subprocess.run([*command, str(folder / "test_these.py")], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    return done.stdout + done.stderr


@contextmanager
def busy() -> Iterator[None]:
    """Keep every CPU busy with a process that spins forever."""
    with ExitStack() as stack:
        for _ in range(os.cpu_count() or 1):
            spinning = stack.enter_context(subprocess.Popen([sys.executable, "-c", "while True: pass"]))
            stack.callback(spinning.kill)
        yield


def test_on_a_quiet_machine_a_miss_is_not_met(tmp_path: Path) -> None:
    printed = outcomes(tmp_path, QUIET)
    assert "measured: 1 met, 2 not met, 0 this machine was too busy to tell" in printed, printed


def test_on_a_busy_machine_a_miss_is_excused_and_a_wrong_fact_is_not(tmp_path: Path) -> None:
    with busy():
        printed = outcomes(tmp_path)
    assert "measured: 1 met, 1 not met, 1 this machine was too busy to tell" in printed, printed
    assert "of the CPUs, at most" in printed
    assert "seen: 0.4 s" in printed


def watch(*samples: tuple[float, float], paces: tuple[float, ...] = ()) -> Watch:
    """Return a watch with these samples, one per second: CPU shares of other processes, and stolen."""
    made = Watch()
    made.stop()
    made.samples = [Sample(at, at + 1, foreign, stolen) for at, (foreign, stolen) in enumerate(samples)]
    made.paces = [(float(at), seconds) for at, seconds in enumerate(paces)]
    return made


@pytest.mark.parametrize(
    ("seen", "begun", "ended", "excused"),
    [
        (watch((0.01, 0), (0.02, 0), (0.0, 0.01)), 0, 3, False),
        (watch((0.01, 0), (0.3, 0), *[(0.0, 0.0)] * 20), 0, 22, True),  # a short peak
        (watch((0.06, 0), (0.06, 0)), 0, 2, True),  # all the time
        (watch((0.0, 0.1), (0.0, 0.1)), 0, 2, True),  # another virtual machine
        (watch((0.9, 0), (0.01, 0), (0.0, 0)), 1.5, 3, False),  # before the interval, so no excuse
        (watch((0.0, 0), (0.0, 0), paces=(1.0, 1.1)), 0, 2, False),
        (watch((0.0, 0), (0.0, 0), (0.0, 0), (0.0, 0), paces=(1.0, 1.0, 1.0, 1.5)), 3, 4, True),  # slower than before
    ],
)
def test_what_excuses(seen: Watch, begun: float, ended: float, excused: bool) -> None:
    assert (seen.between(begun, ended) is not None) == excused


def test_what_the_tests_themselves_use_is_no_excuse() -> None:
    here = Watch()
    here.stop()
    before = sum(here.foreign_ticks().values())
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as spinning:
        try:
            ours = here.foreign_ticks().keys()
            assert spinning.pid not in {pid for pid, _ in ours}
            assert os.getpid() not in {pid for pid, _ in ours}
        finally:
            spinning.kill()
    assert before >= 0

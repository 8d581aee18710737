"""``make chaos SHORT=1``: a few faults on the suite's own stack, and the promise that no client notices them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from loadtest.chaos.faults import cases
from loadtest.chaos.stack import PROJECT
from tests.conftest import ROOT
from tests.docker.lab_run import left

pytestmark = pytest.mark.measured
# A race or an overloaded machine breaks a promise occasionally: one run of five may. A promise that breaks twice is a fault.
REPEATS, MOST_BROKEN = 4, 1


@pytest.fixture(autouse=True)
def _running() -> None:
    """Start no stack: the suite starts its own, and leaves others alone."""


def chaos(results: Path, *words: str) -> tuple[subprocess.CompletedProcess[str], list[dict[str, Any]]]:
    """Run the short form; return its process and its cases."""
    environment = {name: value for name, value in os.environ.items() if name not in ("F", "PLAIN")}
    command = [sys.executable, "-m", "loadtest", "chaos", "--short", "--json", "--results", str(results), *words]
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=400)
    assert ran.stdout, ran.stderr
    return ran, json.loads(ran.stdout)["cases"]


def broken_again(name: str, results: Path) -> tuple[int, list[dict[str, Any]]]:
    """Return how often a case breaks its promise when its fault is repeated, and all cases of the repeats."""
    found = [case for _ in range(REPEATS) for case in chaos(results, "--faults", name.split()[0])[1]]
    return sum(bool(case["broken"]) for case in found if case["name"] == name), found


def test_the_short_form_keeps_every_promise(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Repeat each case that broke its promise a fixed number of times. The rate is printed, and has a limit.

    No repeat excuses a wrong answer, or a request with an unknown outcome.
    """
    ran, found = chaos(tmp_path)
    assert [case["name"] for case in found] == [case.name for case in cases(short=True)]
    names = [case["name"] for case in found if case["broken"] or os.environ.get("CHAOS_REPEATS") == "all"]
    first_status = int(any(case["broken"] for case in found))
    rates = {}
    for name in names:
        broken = sum(bool(case["broken"]) for case in found if case["name"] == name)
        more, repeats = broken_again(name, tmp_path)
        rates[name] = broken + more
        found += repeats
    with capsys.disabled():
        for name, times in rates.items():
            print(f"\nchaos: {name} broke its promise in {times} of {1 + REPEATS} runs (at most {MOST_BROKEN} may)")
    for case in found:
        assert sum(case["counts"].values()) == case["planned"] > 100
        assert {"right", "failed", "closed", "cut"} >= {kind for kind, count in case["counts"].items() if count}
    assert {name: times for name, times in rates.items() if times > MOST_BROKEN} == {}, ran.stderr
    assert ran.returncode == first_status
    assert (tmp_path / "latest-chaos" / "report.html").is_file()
    assert left(PROJECT) == ""

"""An experiment that fails does not affect the others, and an interrupted run can be continued.

All runs use the short form. Nothing is measured.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.lab.laboratory import ENVIRONMENT, left, soon
from tests.waiting import until

SHORT = ("--short", "--experiments")


def lab(results: Path, *arguments: str, fault: str = "") -> subprocess.CompletedProcess[str]:
    """Run the laboratory to its end, with a fault in the middleware experiment if given."""
    module = ["tests.lab.at_fault", fault] if fault else ["loadtest", "lab"]
    return subprocess.run(
        [sys.executable, "-m", *module, *arguments, "--results", str(results)],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=300,
    )


def read(results: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((results / "latest" / "results.json").read_text())
    return found


def outcomes(results: Path) -> dict[str, str]:
    """Return the outcome of each experiment, in the order of the report."""
    return {one["name"]: one["verdict"]["outcome"] for one in read(results)["experiments"]}


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("raises", "KeyError: 'REQUEST_METHOD'."),
        pytest.param("kills", "RuntimeError: the generators are gone.", marks=pytest.mark.long),
        pytest.param("unreportable", "ReportError: ", marks=pytest.mark.long),
    ],
)
def test_the_others_go_on(tmp_path: Path, fault: str, said: str) -> None:
    done = lab(tmp_path, *SHORT, "middleware queue", fault=fault)
    assert done.returncode == 1, done.stderr
    assert outcomes(tmp_path) == {"middleware": "failed", "queue": "not valid"}
    queue = read(tmp_path)["experiments"][1]
    assert [len(cell["runs"]) for cell in queue["cells"]] == [1, 0, 1], "not measured with the generators that there are now"
    folder = (tmp_path / "latest").resolve()
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("middleware failed: ")]
    assert line.startswith(f"middleware failed: {said}")
    assert line.endswith(f" Its log: {folder / 'middleware.log'}")
    assert "Traceback" in (folder / "middleware.log").read_text()
    assert "Traceback" not in done.stdout + done.stderr
    assert "failed" in (folder / "report.html").read_text()
    assert "Its log" in (folder / "report.md").read_text()
    # One line for each experiment, since no line can be redrawn here, and the expected duration.
    assert [line.split(",")[0] for line in done.stderr.splitlines()][:3] == [
        "2 experiments",
        "1 of 2 middleware: ! failed",
        "2 of 2 queue: ∅ not valid",
    ]
    assert "about" in done.stderr.splitlines()[0]


def test_what_failed_is_done_again_and_the_rest_is_kept(tmp_path: Path) -> None:
    lab(tmp_path, *SHORT, "complexity middleware", fault="raises")
    before = read(tmp_path)["experiments"][0]
    folder = (tmp_path / "latest").resolve()
    done = lab(tmp_path, "--resume")
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith(f"Continuing {folder}: 1 of 2 experiments are there. ")
    assert "1 experiment, about" in done.stderr
    found = read(tmp_path)
    assert (tmp_path / "latest").resolve() == folder
    assert [one["name"] for one in found["experiments"]] == ["complexity", "middleware"]
    assert found["experiments"][0] == before
    assert [one["experiments"] for one in found["manifest"]["sittings"]] == [["complexity"], ["middleware"]]
    assert "sittings" in (folder / "report.html").read_text()
    again = lab(tmp_path, "--resume")
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr == (f"loadtest: There is nothing to continue in {tmp_path}: each run there is finished. Start one with: make lab\n")


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_broken_off_is_continued(tmp_path: Path, number: signal.Signals) -> None:
    since = tmp_path / "since"
    command = [sys.executable, "-m", "tests.lab.at_fault", "waits", *SHORT, "complexity middleware", "--results", str(tmp_path)]
    run = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**ENVIRONMENT, "TWOGATES_WAITS_SINCE": str(since)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        until("the second experiment begins", lambda: since.exists() or run.poll() is not None, seconds=240)
        run.send_signal(number)
        out, err = run.communicate(timeout=60)
    finally:
        run.kill()
    folder = (tmp_path / "latest").resolve()
    if number == signal.SIGINT:
        assert (run.returncode, out) == (130, "")
        assert err.splitlines()[-1] == (
            f"loadtest: interrupted. 1 of 2 experiments are in {folder}, and nothing is left running. Continue with: make lab RESUME=1"
        )
    assert soon(lambda: not left()), left()
    assert outcomes(tmp_path) == {"complexity": "not valid"}
    assert "broken off before middleware" in (folder / "report.html").read_text()
    done = lab(tmp_path, "--resume")
    assert done.returncode == 0, done.stderr
    assert outcomes(tmp_path) == {"complexity": "not valid", "middleware": "not valid"}
    assert "broken off" not in (folder / "report.html").read_text()


@pytest.mark.long
def test_a_run_is_not_continued_under_other_conditions(tmp_path: Path) -> None:
    lab(tmp_path, *SHORT, "complexity middleware", fault="raises")
    folder = (tmp_path / "latest").resolve()
    for option, name in (("--full", "FULL"), ("--experiments=queue", "X"), ("--seed=7", "SEED")):
        other = lab(tmp_path, "--resume", option)
        assert (other.returncode, other.stdout) == (2, "")
        assert other.stderr == (f"loadtest: RESUME=1 continues {folder} with the options that it has; leave out {name}, or RESUME=1\n")
    file = folder / "run.json"
    state = json.loads(file.read_text())
    state["conditions"] |= {"cpus": 64, "code": "another"}
    file.write_text(json.dumps(state))
    other = lab(tmp_path, "--resume")
    assert (other.returncode, other.stdout) == (2, "")
    assert f"{folder} cannot be continued" in other.stderr
    assert f"cpus was 64 and is {os.cpu_count()}; code was another and is " in other.stderr
    assert other.stderr.endswith("Measure the rest by itself: make lab X=middleware\n")
    assert outcomes(tmp_path) == {"complexity": "not valid", "middleware": "failed"}

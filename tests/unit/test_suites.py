"""The suites of `make test`: which tests they have, how outcomes are counted, and that a killed run leaves nothing."""

import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

import pytest

from scripts import proc, test_place
from scripts.test_suites import FUNCTION, MEASURED, TOO_BUSY, Suite, counted, functional, measuring
from tests import machine_load, measured
from tests.conftest import ROOT
from tests.waiting import until

REPORT = f"""<testsuite>
    <testcase name="a"/>
    <testcase name="b"><skipped message="needs Linux"/></testcase>
    <testcase name="c"><failure/></testcase>
    <testcase name="d"><properties><property name="measured" value="1"/></properties></testcase>
    <testcase name="e"><properties><property name="measured" value="1"/></properties><failure/></testcase>
    <testcase name="f"><properties><property name="measured" value="1"/></properties><skipped message="{TOO_BUSY}: 60%"/></testcase>
</testsuite>"""


def test_outcomes_are_counted() -> None:
    found = counted(ElementTree.fromstring(REPORT), 1)
    assert found == Counter({"passed": 2, "skipped": 2, "failed": 2, "met": 1, "not met": 1, "too busy": 1})


def test_a_run_that_broke_off_has_failed() -> None:
    assert counted(ElementTree.fromstring("<testsuite><testcase name='a'/></testsuite>"), 3)["failed"] == 1


def test_the_words_are_those_of_the_tests() -> None:
    assert (TOO_BUSY, test_place.MARK) == (measured.TOO_BUSY, machine_load.MARK)


@pytest.mark.parametrize("docker", [False, True], ids=["without Docker", "with Docker"])
@pytest.mark.parametrize("make", [functional, lambda docker: measuring(docker, short=True)], ids=["function", "measured"])
def test_every_folder_of_tests_is_in_a_suite(make: object, docker: bool) -> None:
    suites: list[Suite] = make(docker)  # type: ignore[operator]
    named = [word for suite in suites for word in suite.arguments if {*FUNCTION, *MEASURED} & {*suite.arguments}]
    folders = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}
    marked = {path.parent for path in (ROOT / "tests").rglob("test_*.py") if "mark.measured" in path.read_text()}
    for folder in folders if make is functional else marked:
        if (folder.name in ("docker",) and not docker) or (folder.name == "lies" and make is functional):
            continue
        assert any(word.startswith(f"tests/{folder.name}") for word in named), folder


def test_no_test_runs_twice_where_only_the_runtime_differs() -> None:
    """But those marked ``smoke``."""
    words = [
        word for suite in functional(docker=True) if "smoke" not in suite.name for word in suite.arguments if word.startswith("tests/")
    ]
    assert len(words) == len(set(words))


def test_two_checkouts_have_other_names_and_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = test_place.environment()
    monkeypatch.setattr(test_place, "NAME", "twogates-test-00000001")
    theirs = test_place.environment()
    assert ours.keys() == theirs.keys()
    assert all(ours[name] != theirs[name] for name in ours)


@pytest.mark.skipif(not proc.SUPPORTED, reason="needs Linux")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_run_that_is_killed_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    """The suite's server made itself a daemon. The guard outlives the run, and ends the server."""
    began = tmp_path / "began"
    suite = f"""
import os, pathlib, signal
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    pathlib.Path({str(began)!r}).write_text(f"{{os.getpid()}}")
signal.pause()
"""
    run = f"""
import sys
from pathlib import Path
from scripts.test_suites import guarded
guarded(Path({str(tmp_path / "left")!r}), [sys.executable, "-c", {suite!r}], {{}})
"""
    with subprocess.Popen([sys.executable, "-c", run], cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        until("the server to begin", lambda: began.is_file() and began.read_text())
        pids = [*proc.tree(process.pid), int(began.read_text())]
        process.send_signal(number)
        process.wait(60)
    until("the guard to end all", lambda: not proc.alive(pids))

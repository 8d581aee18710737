"""The suites of `make test`: which tests they contain, how outcomes are counted, and that a killed run leaves no process behind."""

import json
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

import pytest

from dev.testing import lanes as test_lanes
from dev.testing import place as test_place
from dev.testing.suites import FUNCTION, MEASURED, SOME, TAKES_LONG, TOO_BUSY, Suite, counted, functional, measuring
from runtime import proc
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
@pytest.mark.parametrize("marks", [FUNCTION, MEASURED, TAKES_LONG], ids=["function", "measured", "long"])
def test_every_folder_of_tests_is_in_a_suite(marks: tuple[str, str], docker: bool) -> None:
    suites = functional(docker) if marks == FUNCTION else measuring(docker, short=True, inputs=SOME)
    named = [word for suite in suites for word in suite.arguments if {*marks} & {*suite.arguments} - {"-m"}]
    tests = [path for path in (ROOT / "tests").rglob("test_*.py") if marks == FUNCTION or f"mark.{marks[1]}" in path.read_text()]
    assert tests
    for path in tests:
        folder = path.parent.name
        if (folder == "docker" and not docker) or (folder == "lies" and marks == FUNCTION) or path == Path(__file__):
            continue
        assert any(word == f"tests/{folder}" or word == str(path.relative_to(ROOT)) for word in named), path


def test_no_test_runs_twice_where_only_the_runtime_differs() -> None:
    """Except tests marked ``smoke``."""
    words = [
        word for suite in functional(docker=True) if "smoke" not in suite.name for word in suite.arguments if word.startswith("tests/")
    ]
    assert len(words) == len(set(words))


def test_no_page_is_open_where_networks_change() -> None:
    suites = [suite for suite in functional(docker=True) if not suite.quiet]
    page = next(suite for suite in suites if suite.browser)
    docker = [suite for suite in suites if suite.networks]
    assert docker
    for suite in docker:
        assert not page.may_run_beside([suite])
        assert not suite.may_run_beside([page])
        assert suite.may_run_beside([suite])
    assert page.may_run_beside([suite for suite in suites if suite not in docker])


def test_a_suite_is_made_again_in_another_process() -> None:
    for suite in measuring(docker=True, short=True, inputs=SOME):
        assert Suite(**json.loads(suite.to_json())) == suite


def test_two_checkouts_have_other_names_and_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = test_place.environment()
    monkeypatch.setattr(test_place, "NAME", "twogates-test-00000001")
    theirs = test_place.environment()
    assert ours.keys() == theirs.keys()
    assert all(ours[name] != theirs[name] for name in ours)


GUARDED = """
import sys
from pathlib import Path
from dev.testing.suites import guarded
guarded(Path({left!r}), [sys.executable, {suite!r}], {{}})
"""
IN_A_LANE = """
from pathlib import Path
from dev.testing import lanes as test_lanes
from dev.testing.suites import Suite
test_lanes.REPORTS = Path({left!r}).parent
test_lanes.folders = lambda: [test_lanes.ROOT]
test_lanes.run([Suite("waits", [{suite!r}], stack=False)])
"""


@pytest.mark.skipif(not proc.SUPPORTED, reason="needs Linux")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
@pytest.mark.parametrize("way", [GUARDED, IN_A_LANE], ids=["alone", "in a lane"])
def test_a_run_that_is_killed_leaves_nothing(tmp_path: Path, way: str, number: signal.Signals) -> None:
    """The suite's server turned itself into a daemon. The guard outlives the run and stops the server."""
    began, suite = tmp_path / "began", tmp_path / "test_suite.py"
    suite.write_text(f"""
import os, pathlib, signal
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    pathlib.Path({str(began)!r}).write_text(f"{{os.getpid()}}")
signal.pause()
""")
    run = way.format(left=str(tmp_path / "left"), suite=str(suite))
    with subprocess.Popen([sys.executable, "-c", run], cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        until("the server to begin", lambda: began.is_file() and began.read_text())
        pids = [*proc.tree(process.pid), int(began.read_text())]
        process.send_signal(number)
        process.wait(60)
    until("the guard to end all", lambda: not proc.alive(pids))


def test_what_a_lane_prints_and_counts_is_handed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(test_lanes, "REPORTS", tmp_path)
    monkeypatch.setattr(test_lanes, "folders", lambda: [ROOT, ROOT])
    tests = {"good": "def test_it(): pass", "bad": "def test_it(): assert not 'a word'"}
    for name, text in tests.items():
        (tmp_path / f"test_{name}.py").write_text(text)
    rows = test_lanes.run([Suite(name, [str(tmp_path / f"test_{name}.py")], stack=False) for name in tests])
    counts = {row.name: (row.counts["passed"], row.counts["failed"]) for row in rows}
    assert counts == {"good": (1, 0), "bad": (0, 1)}
    assert "assert not 'a word'" in capfd.readouterr().out


def test_the_passwords_of_a_lane_outlive_a_run_that_was_broken_off(tmp_path: Path) -> None:
    """Its database still exists at the next run, and was created with them."""
    lane = test_lanes.copied(tmp_path / "lane")
    for name in (".run/data", "secrets/postgres_password", "old_file"):
        (lane / name).parent.mkdir(exist_ok=True)
        (lane / name).write_text("kept")
    test_lanes.copied(lane)
    assert [(lane / name).is_file() for name in (".run/data", "secrets/postgres_password", "old_file")] == [True, True, False]

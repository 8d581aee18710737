"""Runs that end early: by Ctrl-C, by a kill, or because a service dies. None of them may leave anything behind.

Port conflicts with another run or a stack are not tested here: the system chooses a free port every time.
"""

import os
import signal
from pathlib import Path

import pytest

from runtime import proc
from runtime.local.plan import LAB
from tests.lab.laboratory import LIGHT, laboratory, left, server, soon

WINDOW_IS_OPEN = ": 0 of "


@pytest.mark.parametrize("moment", ["calibration:", "starting Flask", WINDOW_IS_OPEN], ids=["calibration", "start", "window"])
def test_ctrl_c(tmp_path: Path, moment: str) -> None:
    with laboratory(tmp_path / "results", *LIGHT) as run:
        run.until(moment)
        run.process.send_signal(signal.SIGINT)
        status, out, err = run.end()
        assert (status, out) == (130, ""), err
        assert err.splitlines()[-1] == "loadtest: interrupted; nothing was written and nothing is left running."
        assert "Traceback" not in err
        assert soon(lambda: not left()), left()
        assert run.reports == []
        assert not (LAB / "variants").exists()


def test_a_kill_of_the_laboratory(tmp_path: Path) -> None:
    """It can no longer stop its servers: the watchdog does, and the generators end by themselves."""
    with laboratory(tmp_path / "results", *LIGHT) as run:
        run.until(WINDOW_IS_OPEN)
        pids = proc.tree(run.process.pid)
        assert len(pids) > 8  # three services, their proxies, a generator
        run.process.kill()
        run.process.wait()
        assert soon(lambda: not proc.alive(pids) and not left()), f"{proc.alive(pids)} {left()}"
        assert run.reports == []


def test_a_service_dies_in_a_window(tmp_path: Path) -> None:
    variant = "Flask, 4 sync workers"
    with laboratory(tmp_path / "results", *LIGHT) as run:
        run.until(variant, WINDOW_IS_OPEN)
        os.kill(server("flask_sync"), signal.SIGKILL)
        status, out, err = run.end()
        assert status == 1, err
        (said,) = [line for line in out.splitlines() if line.startswith("middleware failed: ")]
        assert f"A process of {variant} ended while it was measured." in said or f"{variant} does not answer" in said
        assert "1 of 1 middleware: ! failed" in err  # at once, above the progress line
        assert "Traceback" not in out + err
        assert "Traceback" in (run.results / "latest" / "middleware.log").read_text()
        assert soon(lambda: not left()), left()
        assert not (LAB / "variants").exists()

"""Runs that end before their end: by Ctrl-C, by a kill, or because a service dies. Nothing may be left of any of them.

That two runs, or a run and a stack, want one port is not among these: every port is a free one that the system chose.
"""

import os
import signal
from pathlib import Path

import pytest

from scripts import proc
from scripts.local_plan import LAB
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
    """It cannot end its servers any more: the keeper does, and the generators end by themselves."""
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
        while variant not in run.until(WINDOW_IS_OPEN):
            pass
        os.kill(server("flask_sync"), signal.SIGKILL)
        status, out, err = run.end()
        assert (status, out) == (1, ""), err
        last = err.splitlines()[-1]
        assert last.startswith(f"loadtest: A process of {variant} ended while it was measured.") or f"{variant} does not answer" in last
        assert last.endswith("Nothing was written and nothing is left running.")
        assert "Traceback" not in err
        assert soon(lambda: not left()), left()
        assert run.reports == []
        assert not (LAB / "variants").exists()

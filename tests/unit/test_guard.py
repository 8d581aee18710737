"""dev/testing/guard.py: no process outlives the command that started it, or the process that started the command."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from runtime import proc
from tests.conftest import ROOT
from tests.waiting import until

pytestmark = pytest.mark.skipif(not proc.SUPPORTED, reason="needs Linux")

# A daemon like Nginx: its own session, no living parents, and none of the environment variables that would identify it.
DAEMON = """
    import os, subprocess, sys
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execve("/bin/sleep", ["sleep", "600"], {})
        os._exit(0)
    os.wait()
    sys.exit(3)
"""
# Writes its child's process id as soon as it can be interrupted, then waits for a signal.
WAITS = """
    import pathlib, signal, subprocess, sys
    child = subprocess.Popen(["/bin/sleep", "600"], start_new_session=True)
    pathlib.Path(sys.argv[1]).write_text(str(child.pid))
    signal.pause()
"""


def guarded(left: Path, program: str, *words: str, **options: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "dev.testing.guard", str(left), sys.executable, "-c", textwrap.dedent(program), *words]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, start_new_session=True, **options)  # type: ignore[call-overload,no-any-return]


def test_a_daemon_that_the_command_left_is_ended_and_named(tmp_path: Path) -> None:
    with guarded(tmp_path / "left", DAEMON) as guard:
        assert guard.wait(60) == 3
    [line] = (tmp_path / "left").read_text().splitlines()
    assert line.endswith(": sleep 600")
    assert proc.alive([int(line.split(":")[0].removeprefix("process "))]) == []


def test_a_command_that_leaves_nothing_is_not_accused(tmp_path: Path) -> None:
    with guarded(tmp_path / "left", "import sys; sys.exit(0)") as guard:
        assert guard.wait(60) == 0
    assert (tmp_path / "left").read_text() == ""


@pytest.mark.parametrize("ignored", [False, True], ids=["", "with SIGINT ignored"])
def test_when_its_starter_is_gone_the_command_is_ended_with_all_that_it_started(tmp_path: Path, ignored: bool) -> None:
    began = tmp_path / "began"
    options = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)} if ignored else {}
    with guarded(tmp_path / "left", WAITS, str(began), stderr=subprocess.DEVNULL, **options) as guard:
        until("the command to begin", lambda: began.is_file() and began.read_text())
        pids = [*proc.tree(guard.pid), int(began.read_text())]
        assert guard.stdin
        guard.stdin.close()  # as the kernel does for a process that is killed
        guard.wait(60)
    assert proc.alive(pids) == []


def test_a_termination_of_the_guard_is_one_of_the_command(tmp_path: Path) -> None:
    began = tmp_path / "began"
    with guarded(tmp_path / "left", WAITS, str(began), stderr=subprocess.DEVNULL) as guard:
        until("the command to begin", lambda: began.is_file() and began.read_text())
        os.kill(guard.pid, signal.SIGTERM)
        guard.wait(60)
    assert proc.alive([int(began.read_text())]) == []

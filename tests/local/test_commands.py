"""Commands beside a running stack, each run to its end: exit status and output."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from loadtest.stack import default_target
from runtime.compose_file import load
from runtime.local.nginx import dotted, find_nginx, version_of
from tests.conftest import ROOT
from tests.waiting import until


@pytest.fixture(autouse=True)
def _running(stack: None) -> None:
    """Start the stack if it is not running."""


def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command, given = [sys.executable, "-m", *words], {**os.environ, **variables}
    return subprocess.run(command, cwd=ROOT, env=given, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)


def test_load(tmp_path: Path) -> None:
    target = os.environ.get("TARGET") or default_target(os.environ)
    options = ["--users", "4", "--seconds", "1", "--warmup", "0.2", "--target", target, "--results", str(tmp_path)]
    done = run("loadtest", "load", *options)
    assert done.returncode in (0, 1), done.stderr  # how many requests are answered depends on the machine
    assert f"Report: {(tmp_path / 'latest').resolve()}" in done.stdout
    (experiment,) = json.loads((tmp_path / "latest" / "results.json").read_text())["experiments"]
    assert experiment["verdict"]["outcome"] != "failed"
    assert len(experiment["cells"]) == 3


def test_trust() -> None:
    done = run("ops.trust")
    assert done.returncode == 0, done.stderr
    assert "certificate" in done.stdout


def test_units() -> None:
    done = run("ops.systemd", ACCEPT_VULNERABLE=f"nginx={dotted(version_of(find_nginx()[0]))}")
    assert done.returncode == 0, done.stderr
    assert list((ROOT / ".run" / "systemd").glob("*.service"))


def ended(log: Path, ready: Callable[[], bool], *words: str) -> str:
    """Return the output of a command that runs until it is stopped, once it is ``ready``."""
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *words], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
        try:
            until("it is ready", lambda: process.poll() is not None or ready(), seconds=120)
            assert process.poll() is None, log.read_text()
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)
        finally:
            process.kill()
    return log.read_text()


def test_logs(tmp_path: Path) -> None:
    log = tmp_path / "out"
    assert "nginx" in ended(log, lambda: "nginx" in log.read_text(), "ops.stack", "logs")


def test_locust(tmp_path: Path) -> None:
    """Its page is available until it is stopped."""
    port = load()[1]["x-local"]["locust_port"]

    def answers() -> bool:
        try:
            return "Locust" in urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).read().decode()
        except OSError:
            return False

    said = ended(tmp_path / "out", answers, "loadtest.locust_page")
    assert f"Locust is at http://127.0.0.1:{port}/" in said
    assert "Traceback" not in said

"""The runtime without Docker: start, second start, change, stop; and failures, each with an explanation."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from dev.testing.lanes import copy_of_checkout
from runtime.local import supervisor
from tests.checkouts import free_port
from tests.conftest import ROOT, run_stack


@pytest.fixture(autouse=True)
def _running(stack: None) -> None:
    """Start the stack if it is not running."""


def pids() -> dict[str, int]:
    """Return the process id of each program."""
    return {process["name"]: process["pid"] for process in supervisor.connect().getAllProcessInfo()}


def test_a_second_up_restarts_nothing() -> None:
    before = pids()
    again = run_stack("up")
    assert again.returncode == 0, again.stderr
    assert pids() == before


def test_up_restarts_only_what_changed() -> None:
    before = pids()
    try:
        changed = run_stack("up", env={**os.environ, "FASTAPI_WORKERS": "2"})
        assert changed.returncode == 0, changed.stderr
        after = pids()
        assert {name for name in before if before[name] != after[name]} == {"fastapi"}
    finally:
        assert run_stack("up").returncode == 0


def test_status_names_every_process() -> None:
    status = run_stack("status")
    assert status.returncode == 0
    for name in ("nginx", "flask", "fastapi", "django-1", "django-2", "upstream"):
        # A process that a test killed a moment ago is starting for a second.
        assert re.search(rf"{name}\W+(running|starting)\W+\d+", status.stdout), status.stdout


def test_no_process_of_the_stack_runs_outside_the_checkout() -> None:
    """No process opens a file for writing elsewhere.

    Every regular file that a process holds is in the checkout, or deleted memory.
    """
    for pid in pids().values():
        for link in Path(f"/proc/{pid}/fd").iterdir():
            target = os.readlink(link)
            if target.startswith("/") and not target.startswith(("/dev/", "/proc/")) and os.access(link, os.W_OK):
                flags = int(re.search(r"flags:\s+(\d+)", Path(f"/proc/{pid}/fdinfo/{link.name}").read_text())[1], 8)  # type: ignore[index]
                writable = flags & os.O_ACCMODE != os.O_RDONLY
                assert not writable or target.startswith(str(ROOT)) or "(deleted)" in target, target


def other_stack(folder: Path, action: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the scripts of another checkout with this checkout's packages."""
    if not (folder / ".venv").exists():
        (folder / ".venv").symlink_to(ROOT / ".venv")
    command = [sys.executable, "-m", "ops.stack", action]
    settings = {"RUNTIME": "local", "HTTP_PORT": free_port(), "HTTPS_PORT": free_port(), "LOCAL_PORT": free_port(), **environment}
    return subprocess.run(command, cwd=folder, env={**os.environ, **settings}, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("variable", ["HTTP_PORT", "HTTPS_PORT", "LOCAL_PORT"])
def test_a_port_in_use(tmp_path: Path, variable: str) -> None:
    folder = copy_of_checkout(tmp_path)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        started = other_stack(folder, "up", **{variable: port})
    assert started.returncode == 1
    assert f"Port {port} on 127.0.0.1 cannot be used (Address already in use, by " in started.stderr
    assert f"(process {os.getpid()})" in started.stderr
    assert f"make up {variable}=" in started.stderr
    assert "Traceback" not in started.stderr
    assert not (folder / ".run" / "supervisord.pid").exists()


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"RUNTIME": "podman"}, "RUNTIME is 'podman'; accepted: docker or local"),
        ({"RUNTIME": "docker", "DOCKER_HOST": "tcp://127.0.0.1:1"}, "RUNTIME=docker, but no Docker engine answers. Start it"),
        ({"RUNTIME": "docker", "PATH": "/nowhere"}, "RUNTIME=docker, but there is no docker command here. Install"),
        ({"FLASK_WORKERS": "many"}, "WORKERS is 'many'; accepted: a whole number from 1 to 256, or auto"),
        ({"HTTP_PORT": "http"}, "HTTP_PORT is 'http'; accepted: a whole number from 1 to 65535"),
        ({"HTTP3": "on"}, "HTTP3 is 'on', and the Nginx of this runtime does not speak it; accepted: off, or Docker"),
        ({"PGBOUNCER": "on"}, "PGBOUNCER is 'on', and this runtime has none; accepted: off, or Docker"),
        ({"DJANGO_POOL": "40"}, "may hold 188 connections (flask 8, fastapi 11, django 82, worker 5, and the largest twice"),
        ({"DJANGO_REPLICAS": "0.5"}, "DJANGO_REPLICAS is '0.5'; accepted: a whole number from 1 to 64"),
    ],
)
def test_a_wrong_setting(tmp_path: Path, environment: dict[str, str], says: str) -> None:
    folder = copy_of_checkout(tmp_path)
    try:
        started = other_stack(folder, "up", **environment)
        assert started.returncode in (1, 2)
        assert says in started.stderr
        assert "Traceback" not in started.stderr
    finally:
        other_stack(folder, "down")


def test_not_running(tmp_path: Path) -> None:
    folder = copy_of_checkout(tmp_path)
    status = other_stack(folder, "status")
    assert (status.returncode, status.stdout) == (0, "Nothing is running. Start it with: make up\n")
    down = other_stack(folder, "down")
    assert (down.returncode, down.stdout) == (0, "Nothing was running.\n")

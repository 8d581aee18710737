"""The command line as a person meets it: bad usage is one sentence and status 2."""

import os
import resource
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def run(*arguments: str, environment: dict[str, str] | None = None, files: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run ``python -m loadtest load`` with nothing but these settings, and at most ``files`` open files."""

    def limit() -> None:
        if files:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

    return subprocess.run(
        [sys.executable, "-m", "loadtest", "load", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **(environment or {})},
        preexec_fn=limit,
        capture_output=True,
        text=True,
        timeout=60,
    )


WORKLOADS = "wait, block, cpu, upstream, stream, events, json, echo, sockets"


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"WORKLOAD": "sleep"}, f"WORKLOAD is 'sleep'; accepted: {WORKLOADS}"),
        ({"SERVICES": "flask rails"}, "SERVICES is 'flask rails'; accepted: one or more of flask, fastapi, django"),
        ({"S": "rails"}, "SERVICES is 'rails'; accepted: one or more of flask, fastapi, django"),
        ({"USERS": "0"}, "USERS is '0'; accepted: a whole number from 1 to 100000"),
        ({"USERS": "many"}, "USERS is 'many'; accepted: a whole number from 1 to 100000"),
        ({"USERS": "1.5"}, "USERS is '1.5'; accepted: a whole number from 1 to 100000"),
        ({"SECONDS": "nan"}, "SECONDS is 'nan'; accepted: a number from 0.1 to 3600"),
        ({"WAIT": "31"}, "WAIT is '31'; accepted: a number from 0 to 30"),
        ({"WORK": "-1"}, "WORK is '-1'; accepted: a whole number from 1 to 1000"),
        ({"TARGET": "127.0.0.1:8080"}, "TARGET is '127.0.0.1:8080'; accepted: a URL without a path, such as http://127.0.0.1:8080"),
        ({"TARGET": "http://h:99999"}, "TARGET is 'http://h:99999'; accepted: a URL without a path, such as http://127.0.0.1:8080"),
        ({"HTTP_PORT": "web"}, "TARGET is 'http://127.0.0.1:web'; accepted: a URL without a path, such as http://127.0.0.1:8080"),
        ({"WORKLOAD": "sockets", "S": "flask"}, "SERVICES is 'flask'; accepted with WORKLOAD=sockets: fastapi, django"),
        ({"WORKLOAD": "upstream", "WAIT": "20", "CALLS": "2"}, "WAIT times CALLS is 40; accepted: at most 30 seconds"),
        ({"WORKLOAD": "events", "CHUNKS": "1000"}, "CHUNKS times INTERVAL is 100; accepted: at most 30 seconds"),
    ],
)
def test_bad_setting(environment: dict[str, str], sentence: str) -> None:
    done = run(environment=environment)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"loadtest: {sentence}\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--users", "0"], "USERS is '0'; accepted: a whole number from 1 to 100000"),
        (["--user-count", "3"], "unrecognized arguments: --user-count 3"),
    ],
)
def test_bad_option(arguments: list[str], sentence: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"loadtest: {sentence}\n"


def test_an_option_wins_over_the_environment() -> None:
    assert "USERS is '-5'" in run("--users=-5", environment={"USERS": "0"}).stderr


def test_an_empty_variable_is_none() -> None:
    assert "WAIT is 'x'" in run(environment={"USERS": "", "S": "", "WAIT": "x"}).stderr


def test_more_users_than_open_files() -> None:
    done = run("--users", "300", files=256)
    assert done.returncode == 2
    assert "USERS is 300; accepted here: at most 192" in done.stderr


def test_a_stack_that_is_not_running() -> None:
    with socket.socket() as bound:  # bound and not listening: nobody else can answer here
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        done = run(environment={"HTTP_PORT": str(port)})
    assert done.returncode == 2
    assert (
        done.stderr == f"loadtest: Nothing answers at http://127.0.0.1:{port}/flask/ (Connection refused). Start the stack with: make up\n"
    )


def test_locustfile_refuses_a_bad_parameter_too() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "locust", "-f", "loadtest/locustfile.py", "--list"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "WAIT": "long"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "loadtest: WAIT is 'long'; accepted: a number from 0 to 30" in done.stderr


def test_locustfile_has_a_class_for_every_service_and_workload() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "locust", "-f", "loadtest/locustfile.py", "--list"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
    )
    found = {line.strip() for line in (done.stdout + done.stderr).splitlines()}
    names = [workload.title() for workload in WORKLOADS.split(", ")]
    expected = {service + name for service in ("Flask", "Fastapi", "Django") for name in names} - {"FlaskSockets"}
    assert expected <= found
    assert "FlaskSockets" not in found

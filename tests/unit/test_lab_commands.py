"""The commands as a person uses them: a mistake gives one sentence and status 2 before anything is started."""

import fcntl
import os
import resource
import shutil
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from loadtest.cli import main
from loadtest.commands.options import some_of
from loadtest.experiments import DATA, GROUPS, ORDER, PRODUCTION
from loadtest.generator.workloads import WORKLOADS
from runtime.local.plan import LAB
from tests.conftest import ROOT

# No Docker engine answers at this address, so a stack that runs on Docker cannot interfere.
ENVIRONMENT = {"PATH": os.environ["PATH"], "DOCKER_HOST": "tcp://127.0.0.1:1", "PYTHONDONTWRITEBYTECODE": "1"}
EXPERIMENTS, NAMES = ", ".join((*ORDER, *GROUPS)), ", ".join(WORKLOADS)
WHOLE = "accepted: a whole number from 1 to 100000"
URL = "accepted: a URL without a path, such as http://127.0.0.1:8080"


def run(
    *arguments: str, environment: dict[str, str] | None = None, files: int | None = None, before: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Run ``python -m loadtest`` with only these settings, and with at most ``files`` open files."""

    def limit() -> None:
        if files:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

    return subprocess.run(
        [*before, sys.executable, "-m", "loadtest", *arguments],
        cwd=ROOT,
        env={**ENVIRONMENT, **(environment or {})},
        preexec_fn=limit,
        capture_output=True,
        text=True,
        timeout=120,
    )


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """Return the single sentence of a command that was refused."""
    assert (done.returncode, done.stdout) == (2, ""), done.stdout + done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("loadtest: ")
    return done.stderr.removeprefix("loadtest: ").rstrip("\n")


@pytest.mark.parametrize(
    ("words", "environment", "sentence"),
    [
        ("lab --experiments speed", {}, f"X is 'speed'; accepted: one or more of {EXPERIMENTS}"),
        ("lab", {"X": "queue speed"}, f"X is 'speed'; accepted: one or more of {EXPERIMENTS}"),
        ("lab", {"X": " "}, f"X is ' '; accepted: one or more of {EXPERIMENTS}"),
        ("lab --experiments=", {}, f"X is ''; accepted: one or more of {EXPERIMENTS}"),
        ("lab", {"RUNTIME": "podman"}, "RUNTIME is 'podman'; accepted: local, docker"),
        ("lab", {"FULL": "much"}, "FULL is 'much'; accepted: 1 or 0"),
        ("lab", {"SEED": "-1"}, "SEED is '-1'; accepted: a whole number from 0 to 2147483648"),
        ("lab", {"GENERATORS": "0"}, "GENERATORS is '0'; accepted: a whole number from 1 to 16"),
        ("lab", {"DISTRIBUTED": "two"}, "DISTRIBUTED is 'two'; accepted: 1 or 0"),
        ("load", {"WORKLOAD": "sleep"}, f"WORKLOAD is 'sleep'; accepted: {NAMES}"),
        ("load", {"SERVICES": "flask rails"}, "S is 'rails'; accepted: one or more of flask, fastapi, django"),
        ("load", {"S": "rails"}, "S is 'rails'; accepted: one or more of flask, fastapi, django"),
        ("load", {"USERS": "0"}, f"USERS is '0'; {WHOLE}"),
        ("load --users 0", {}, f"USERS is '0'; {WHOLE}"),
        ("load --users=-5", {"USERS": "0"}, f"USERS is '-5'; {WHOLE}"),  # an option overrides the environment
        ("load", {"USERS": "abc"}, f"USERS is 'abc'; {WHOLE}"),
        ("load", {"USERS": "1.5"}, f"USERS is '1.5'; {WHOLE}"),
        ("load", {"SECONDS": "nan"}, "SECONDS is 'nan'; accepted: a number from 0.5 to 3600"),
        ("load", {"WAIT": "31"}, "WAIT is '31'; accepted: a number from 0 to 30"),
        ("load", {"WORK": "-1"}, "WORK is '-1'; accepted: a whole number from 1 to 1000"),
        ("load", {"USERS": "", "S": "", "WAIT": "x"}, "WAIT is 'x'; accepted: a number from 0 to 30"),  # an empty value counts as not set
        ("load", {"TARGET": "127.0.0.1:8080"}, f"TARGET is '127.0.0.1:8080'; {URL}"),
        ("load", {"TARGET": "http://h:99999"}, f"TARGET is 'http://h:99999'; {URL}"),
        ("load", {"HTTP_PORT": "web"}, f"TARGET is 'http://127.0.0.1:web'; {URL}"),
        ("load --user-count 3", {}, "unrecognized arguments: --user-count 3"),
        ("compare", {}, "A and B are needed: make compare A=results/<one> B=results/<another>"),
        ("compare --a latest", {}, "A and B are needed: make compare A=results/<one> B=results/<another>"),
    ],
)
def test_a_bad_setting(
    words: str, environment: dict[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All of these mistakes are visible in the arguments and variables alone."""
    for name in ("X", "S", "A", "B", "RUNTIME", "GENERATORS", "TARGET", "HTTP_PORT", *environment):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    try:
        status: object = main(words.split())
    except SystemExit as error:
        status = error.code
    assert (status, *capsys.readouterr()) == (2, "", f"loadtest: {sentence}\n")


def test_no_command_is_a_sentence_too() -> None:
    assert "COMMAND" in refused(run())


def test_an_unknown_experiment_from_outside() -> None:
    assert refused(run("lab", environment={"X": "speed"})) == f"X is 'speed'; accepted: one or more of {EXPERIMENTS}"


def test_production_has_nothing_to_measure() -> None:
    said = refused(run("lab", environment={"PROFILE": "production"}))
    assert said.startswith("PROFILE is 'production', which answers nothing that is there for show; accepted: PROFILE=development")


def test_generators_in_containers_and_services_without() -> None:
    sentence = refused(run("lab", "--experiments", "queue", "--distributed", "--runtime", "local"))
    assert sentence == "DISTRIBUTED=1 makes the load in containers, which reach only containers; add RUNTIME=docker"


@pytest.mark.parametrize("text", ["queue>5", "queue:speed>5", "queue:p99>fast", "queue:p99=2s"])
def test_a_threshold_that_cannot_be_read(text: str, tmp_path: Path) -> None:
    assert repr(text) in refused(run("lab", "--experiments", "queue", "--fail-on", text, "--results", str(tmp_path)))
    assert list(tmp_path.iterdir()) == []


def test_results_in_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "a file"
    file.write_text("kept")
    for place in (file, file / "below"):
        sentence = refused(run("lab", "--experiments", "queue", environment={"RESULTS": str(place)}))
        assert sentence.startswith(f"RESULTS is {str(place)!r}, where nothing can be written (")
        assert sentence.endswith("accepted: a folder to write to")
    assert file.read_text() == "kept"


def small_disk(folder: Path) -> tuple[str, ...]:
    """Return a command prefix that mounts a 1 MiB disk at ``folder``, visible only to the command."""
    if not shutil.which("unshare"):
        pytest.skip("there is no unshare here, which makes a disk that is too small")
    mount = 'mount -t tmpfs -o size=1m small "$0" && exec "$@"'
    for options in (("--mount",), ("--mount", "--map-root-user")):
        words = ("unshare", *options, "sh", "-c", mount, str(folder))
        if subprocess.run([*words, "true"], capture_output=True).returncode == 0:
            return words
    pytest.skip("this user may not mount a disk that is too small")


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    sentence = refused(run("lab", "--experiments", "queue", "--results", str(tmp_path), before=small_disk(tmp_path)))
    assert sentence == f"{tmp_path} has 1 MiB of free disk, and a run needs 200"


def test_too_few_open_files(tmp_path: Path) -> None:
    sentence = refused(run("lab", "--experiments", "queue", "--results", str(tmp_path), files=256))
    assert sentence == "This user may open 256 files, and the laboratory needs 5400: ulimit -n 5400"
    assert refused(run("load", "--users", "300", "--results", str(tmp_path), files=256)).startswith(
        "USERS is 300; accepted here: at most 192"
    )


def test_docker_without_an_engine(tmp_path: Path) -> None:
    """There is not even a docker command."""
    done = run("lab", "--experiments", "queue", "--runtime", "docker", "--results", str(tmp_path), environment={"PATH": str(tmp_path)})
    assert refused(done) == "No Docker engine with Compose answers. Start Docker, or: RUNTIME=local"


@pytest.mark.parametrize("workload", ["wait", "query"])  # with the default numbers, which must be consistent
def test_no_stack_runs(workload: str, tmp_path: Path) -> None:
    with socket.socket() as bound:  # bound but not listening: no other process can answer on this port
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        done = run("load", "--results", str(tmp_path), environment={"WORKLOAD": workload, "HTTP_PORT": str(port)})
    assert refused(done) == f"Nothing answers at http://127.0.0.1:{port}/flask/ (Connection refused). Start the stack with: make up"


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"WORKLOAD": "sockets", "S": "flask"}, "SERVICES is 'flask'; accepted with WORKLOAD=sockets: fastapi, django"),
        ({"WORKLOAD": "upstream", "WAIT": "20", "CALLS": "2"}, "WAIT times CALLS is 40; accepted: at most 30 seconds"),
        (
            {"WORKLOAD": "query", "CALLS": "6"},
            "WAIT times CALLS is 0.6 and WORK times CALLS 30; accepted: at most 0.5 seconds and 100",
        ),
        ({"WORKLOAD": "events", "CHUNKS": "1000"}, "CHUNKS times INTERVAL is 100; accepted: at most 30 seconds"),
    ],
)
def test_settings_that_do_not_go_together(environment: dict[str, str], sentence: str, tmp_path: Path) -> None:
    assert refused(run("load", "--results", str(tmp_path), environment=environment)) == sentence


def test_a_second_run_at_the_same_time(tmp_path: Path) -> None:
    LAB.mkdir(parents=True, exist_ok=True)
    with (LAB / "lock").open("w") as lock:
        with suppress(OSError):  # another process holds the lock, which serves as well
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)  # keeps out commands that want an exclusive lock
        for command in (("lab", "--experiments", "queue"), ("load",)):
            sentence = refused(run(*command, "--results", str(tmp_path)))
            assert sentence == "Another run of the laboratory is under way in this checkout; wait for its end"


@pytest.mark.parametrize("content", [None, "", "{}", '{"format": 1}', '{"format": 2}', "[1"])
def test_compare_with_what_are_no_results(content: str | None, tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    if content is not None:
        file.write_text(content)
    assert str(file) in refused(run("compare", "--a", str(file), "--b", "latest", environment={"RESULTS": str(tmp_path)}))


def test_compare_with_a_latest_that_is_not_there(tmp_path: Path) -> None:
    assert refused(run("compare", "--a", "latest", "--b", "latest", environment={"RESULTS": str(tmp_path)})) == (
        "There are no results at latest; accepted: the folder of a run, its results.json, or latest."
    )


def locust_list(**environment: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "locust", "-f", "loadtest/locustfile.py", "--list"]
    return subprocess.run(words, cwd=ROOT, env={**ENVIRONMENT, **environment}, capture_output=True, text=True, timeout=120)


def test_the_locustfile_refuses_a_bad_parameter_too() -> None:
    done = locust_list(WAIT="long")
    assert done.returncode == 2
    assert "loadtest: WAIT is 'long'; accepted: a number from 0 to 30" in done.stderr
    assert "loadtest: THINK is '-1'; accepted: a number from 0 to 600" in locust_list(THINK="-1").stderr


def test_the_locustfile_has_a_class_for_every_service_and_workload_of_the_lesson() -> None:
    done = locust_list()
    found = {line.strip() for line in (done.stdout + done.stderr).splitlines()}
    names = ("Wait", "Block", "Cpu", "Upstream", "Stream", "Events", "Json", "Echo", "Sockets", "Query", "Visitor")
    expected = {service + name for service in ("Flask", "Fastapi", "Django") for name in names} - {"FlaskSockets"}
    assert expected <= found, done.stderr
    assert "FlaskSockets" not in found


def test_groups_stand_for_their_experiments() -> None:
    parse = some_of(ORDER, GROUPS)
    assert parse("queue production") == ("queue", *PRODUCTION)
    assert parse("all") == ORDER
    assert parse("data") == DATA
    assert set(PRODUCTION) | set(DATA) < set(ORDER)

"""make doctor, with provoked problems: ports in use, missing or old programs, limits, paths, and what a killed run left behind."""

import ast
import json
import os
import re
import resource
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dev.testing.lanes import copy_of_checkout
from ops.doctor import listening
from runtime import venv
from runtime.compose_file import ROOT, defaults, load, variables
from runtime.local.plan import make_plan
from tests.checkouts import free_port
from tests.waiting import until

# Simulates a machine with nothing but Python: -S hides all installed packages.
DOCTOR = [sys.executable, "-S", "-m", "ops.doctor"]
Found = dict[str, dict[str, Any]]


def doctor(folder: Path = ROOT, limit: Callable[[], None] | None = None, **given: str) -> tuple[int, list[str], Found]:
    """Return the exit status, the runtimes that could start, and the findings by name."""
    ports = {"HTTP_PORT": free_port(), "HTTPS_PORT": free_port(), "LOCAL_PORT": free_port(), "RUNTIME": ""}
    environment = {**os.environ, **ports, **given}
    done = subprocess.run([*DOCTOR, "--json"], cwd=folder, env=environment, capture_output=True, text=True, timeout=60, preexec_fn=limit)
    assert done.stdout, done.stderr
    printed = json.loads(done.stdout)
    return done.returncode, printed["runtimes"], {finding["name"]: finding for finding in printed["findings"]}


@pytest.fixture
def taken() -> Iterator[int]:
    """Yield a port on which this process listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Return a folder for a separate PATH, without docker in it."""
    made = tmp_path / "bin"
    made.mkdir()
    return made


def write_docker(folder: Path, engine: str, compose: str = "exit 1") -> None:
    """Write a docker command that answers the two version queries in this way."""
    program = folder / "docker"
    program.write_text(f'#!/bin/sh\nif [ "$1" = version ]; then {engine}; elif [ "$1 $2" = "compose version" ]; then {compose}; fi\n')
    program.chmod(0o755)


def test_a_machine_that_has_all_of_it(programs: Path) -> None:
    status, runtimes, found = doctor(RUNTIME="local")
    assert (status, runtimes) == (0, ["local"])
    wrong = {name: finding for name, finding in found.items() if finding["state"] == "wrong"}
    assert not wrong
    assert found["packages"]["seen"] == "installed"


@pytest.mark.parametrize("variable", ["HTTP_PORT", "HTTPS_PORT"])
def test_a_port_that_is_taken_stops_everything_and_its_holder_is_named(taken: int, variable: str) -> None:
    status, runtimes, found = doctor(**{variable: str(taken)})
    assert (status, runtimes) == (1, [])
    finding = found[f"port {taken}"]
    assert finding["state"] == "wrong"
    assert f"(process {os.getpid()})" in finding["seen"]
    suggested = re.match(rf"make up {variable}=(\d+)", finding["fix"])
    assert suggested
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", int(suggested[1])))


def test_a_port_of_a_local_process_stops_local_processes_alone() -> None:
    first = int(free_port())
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", first + 3))
        listener.listen()
        status, _, found = doctor(LOCAL_PORT=str(first), RUNTIME="local")
    [finding] = [finding for name, finding in found.items() if name.startswith("ports ")]
    assert (status, finding["stops"]) == (1, ["local"])
    assert f"{first + 3} is held by" in finding["seen"]


@pytest.mark.parametrize("settings", [{}, {"DJANGO_REPLICAS": "3", "FLASK_REPLICAS": "2"}])
def test_the_local_ports_are_those_of_the_runtime(settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    used = {number for _, number, variable in make_plan().ports if variable == "LOCAL_PORT"}
    given = {**defaults(), **variables()}
    assert used == set(range(int(given["LOCAL_PORT"]), int(given["LOCAL_PORT"]) + listening.local_count(given)))


def test_without_docker_it_is_a_warning_and_with_docker_asked_for_it_is_wrong(programs: Path) -> None:
    status, runtimes, found = doctor(PATH=str(programs))
    assert (status, runtimes, found["Docker"]["state"]) == (0, ["local"], "warning")
    assert found["Docker"]["seen"] == "there is no docker command here"
    assert found["make"]["state"] == found["git"]["state"] == found["browser"]["state"] == "warning"
    status, runtimes, found = doctor(PATH=str(programs), RUNTIME="docker")
    assert (status, runtimes, found["Docker"]["state"]) == (1, [], "wrong")


@pytest.mark.parametrize(
    ("engine", "compose", "seen", "fix"),
    [
        ("echo 24.0.7", "echo 2.40.3", "Docker engine 24.0.7 is older than 25.0", "Update it to 25.0"),
        ("echo 28.5.2", "echo v2.23.0-desktop.1", "Docker Compose 2.23.0-desktop.1 is older than 2.24.1", "Update it to 2.24.1"),
        ("echo 28.5.2", "echo unknown command >&2; exit 1", "this docker has no Compose", "plugin"),
        ("echo permission denied while trying to connect >&2; exit 1", "exit 1", "this user may not use", "usermod -aG docker"),
        ("echo Cannot connect to the Docker daemon >&2; exit 1", "exit 1", "no Docker engine answers", "systemctl start docker"),
    ],
)
def test_a_docker_that_cannot_be_used_is_named_with_what_to_do(programs: Path, engine: str, compose: str, seen: str, fix: str) -> None:
    write_docker(programs, engine, compose)
    status, runtimes, found = doctor(PATH=f"{programs}{os.pathsep}/usr/bin:/bin")
    assert (status, runtimes) == (0, ["local"])
    assert seen in found["Docker"]["seen"]
    assert fix in found["Docker"]["fix"]


def test_images_are_those_of_compose(programs: Path) -> None:
    write_docker(programs, "echo 28.5.2; exit 0", "echo 2.40.3")
    with (programs / "docker").open("a") as program:  # the images are neither local nor in a registry
        program.write('case "$1" in image|manifest) exit 1;; esac\n')
    _, runtimes, found = doctor(PATH=f"{programs}{os.pathsep}/usr/bin:/bin")
    assert runtimes == ["local"]
    images = list(load({})[1]["x-images"].values())
    assert found["base images"]["needed"] == ", ".join(images)
    assert found["base images"]["seen"].startswith(images[0])


@pytest.mark.parametrize(("files", "status", "state"), [(64, 1, "wrong"), (4096, 0, "warning")])
def test_a_small_limit_of_open_files(files: int, status: int, state: str) -> None:
    ended, _, found = doctor(limit=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files)), RUNTIME="local")
    assert (ended, found["open files"]["state"]) == (status, state)
    assert str(files) in found["open files"]["seen"]


def test_more_cpus_than_there_are_stop_docker() -> None:
    _, _, found = doctor(DJANGO_CPUS="999")
    assert found["CPUs"]["stops"] == ["docker"]
    assert "DJANGO_CPUS" in found["CPUs"]["fix"]


@pytest.mark.parametrize(("name", "seen"), [('a"quote', "'\"' in it"), ("long" * 25, "too long for a socket")])
def test_a_path_that_breaks_a_program_and_packages_that_cannot_be_had(tmp_path: Path, name: str, seen: str) -> None:
    folder = copy_of_checkout(tmp_path / name)
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_CONFIG_FILE": os.devnull}
    without = {"PIP_EXTRA_INDEX_URL": "", "PIP_FIND_LINKS": ""}
    status, runtimes, found = doctor(folder, **nowhere, **without)
    assert (status, runtimes) == (1, [])
    assert seen in found["its path"]["seen"]
    assert found["its path"]["stops"] == ["local"]
    assert found["packages"]["seen"] == "not installed, and no index answers pip"
    assert found["packages"]["stops"] == ["docker", "local"]


def test_a_checkout_that_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = copy_of_checkout(tmp_path)
    if os.geteuid() == 0:  # root may write everywhere, except on a read-only mount
        read_only = ["unshare", "--mount", "sh", "-c", 'mount --bind . . && cd "$PWD" && mount -o remount,bind,ro . && exec "$@"', "sh"]
        if subprocess.run([*read_only, "true"], cwd=folder, capture_output=True).returncode:
            pytest.skip("root may not mount here, and writes everywhere")
        monkeypatch.setattr(sys.modules[__name__], "DOCTOR", [*read_only, *DOCTOR])
    folder.chmod(0o555)
    status, runtimes, found = doctor(folder)
    folder.chmod(0o755)
    assert (status, runtimes, found["checkout"]["state"]) == (1, [], "wrong")


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's /proc")
def test_what_a_killed_stack_left_is_found_and_ended(tmp_path: Path) -> None:
    folder = copy_of_checkout(tmp_path)
    marked = {**os.environ, "SUPERVISOR_SERVER_URL": f"unix://{folder}/.run/supervisor.sock"}
    with subprocess.Popen(["sleep", "60"], env=marked) as orphan, subprocess.Popen(["sleep", "60"]) as other:
        until("the orphan runs its program", lambda: Path(f"/proc/{orphan.pid}/comm").read_text() == "sleep\n")
        _, runtimes, found = doctor(folder, RUNTIME="local")
        assert found["left of a killed run"]["seen"] == "1 processes: sleep"
        assert runtimes == []
        ended = subprocess.Popen([sys.executable, "-S", "-c", "from runtime.local import orphans; print(orphans.end())"], cwd=folder)
        assert orphan.wait(60) == -15
        assert ended.wait(60) == 0
        assert other.poll() is None
        other.kill()


def test_a_wrong_variable_is_a_sentence() -> None:
    done = subprocess.run(DOCTOR, cwd=ROOT, env={**os.environ, "HTTP_PORT": "http"}, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "twogates: HTTP_PORT is 'http'; accepted: a whole number from 1 to 65535\n"


def test_a_person_reads_a_line_for_each_with_what_to_do_and_one_step_at_the_end(programs: Path) -> None:
    environment = {**os.environ, "PATH": str(programs), "HTTP_PORT": free_port(), "HTTPS_PORT": free_port(), "LOCAL_PORT": free_port()}
    environment.pop("RUNTIME", None)
    done = subprocess.run(DOCTOR, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert re.search(r"^  warning  Docker +there is no docker command here \(needed: engine", done.stdout, re.MULTILINE)
    assert "-> Install Docker Engine with Compose" in done.stdout
    assert done.stdout.splitlines()[-1] == "Next: make up, which will run local processes"


def test_an_older_python_reads_what_is_said_to_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    source = (ROOT / "runtime/venv.py").read_text()
    tree = ast.parse(source, feature_version=(3, 5))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)], "Python 3.5 knows no f-strings"
    monkeypatch.setattr(sys, "version_info", (3, 10, 12))
    monkeypatch.setattr(sys, "argv", ["runtime/venv.py", "none", "-m", "ops.doctor"])
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SystemExit) as ended:
        venv.main()  # type: ignore[no-untyped-call]
    assert ended.value.code == 1
    assert capsys.readouterr().err == "twogates: Python 3.11 or newer is needed, this is 3.10. Name another: make PYTHON=python3.13 ...\n"


def test_an_older_python_goes_on_as_a_newer_one_that_is_here(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("python3.12", "python3.13"):
        (programs / name).symlink_to("/bin/sh")
    monkeypatch.setenv("PATH", str(programs))
    assert venv.newer() == str(programs / "python3.13")  # type: ignore[no-untyped-call]


def test_every_command_asks_for_the_python_that_it_needs() -> None:
    recipes = re.findall(r"^\t(.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    called = [recipe for recipe in recipes if not recipe.startswith(("@awk", "exec "))]
    assert called
    assert all(recipe.startswith("$(RUN) ") for recipe in called)
    done = subprocess.run(["make", "up", "PYTHON=python-of-nobody"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode
    assert done.stderr.startswith("twogates: there is no python-of-nobody here, and Python 3.11 or newer is needed\n")

"""What our programs take from the caller's environment, and what each kind of program gets in addition."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtest import cli
from loadtest.bench.cli import options as bench_options
from loadtest.chat.__main__ import options as chat_options
from loadtest.generator.parameters import THINK, Parameters, read_number
from runtime import environment
from runtime.compose_file import load
from runtime.docker import compose as docker_compose
from runtime.docker import stack as runtime_docker
from tests.conftest import ROOT
from tests.hostile import HOSTILE

NAMES = "HOME PATH TERM NO_COLOR COMPOSE_PROJECT_NAME HTTP_PORT FLASK_WORKERS RUNTIME X USERS SECRETS DOCKER_HOST DOCKER_CONFIG"
# Variables of the caller that our programs keep.
WANTED = {name: f"the caller's {name}" for name in NAMES.split()}
# Variables through which this user reaches packages and images.
REACHING = {
    "https_proxy": "http://proxy:3128",
    "no_proxy": "localhost,.example.org",
    "PIP_INDEX_URL": "https://packages.example.org/simple",
    "PIP_CERT": "/etc/ssl/company.pem",
    "UV_DEFAULT_INDEX": "https://packages.example.org/simple",
    "SSL_CERT_FILE": "/etc/ssl/company.pem",
}
NO_PROXY = {"no_proxy": "*", "NO_PROXY": "*"}


def seen_by(program: str, given: dict[str, str]) -> dict[str, str]:
    """Evaluate ``program``, an expression, in a process that was started with this environment."""
    code = f"import json, os, runtime; from runtime import environment; print(json.dumps(dict({program})))"
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}"], env=given, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def is_a_setting_of_ours(name: str) -> bool:
    return name in environment.compose({name: "x"})


def test_a_program_has_what_counts_and_nothing_else() -> None:
    seen = seen_by("os.environ", HOSTILE | REACHING | WANTED)
    seen = {name: value for name, value in seen.items() if not environment.set_aside(name)}
    assert seen == WANTED | {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"} | NO_PROXY


def test_so_has_the_program_that_it_starts() -> None:
    once = environment.compose(HOSTILE | REACHING | WANTED)
    assert environment.compose(once) == once


def test_a_server_has_no_setting_and_no_way_to_the_network() -> None:
    seen = seen_by("environment.for_servers()", HOSTILE | REACHING | WANTED | {"TWOGATES_MARK": "1"})
    of_machine = {name: WANTED[name] for name in ("HOME", "PATH")} | {"TWOGATES_MARK": "1"}
    assert seen == of_machine | {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONUNBUFFERED": "1"} | NO_PROXY


@pytest.mark.parametrize("generations", [1, 2])
def test_what_fetches_has_the_callers_proxies_and_certificates(generations: int) -> None:
    given = WANTED | REACHING | {"PIP_USER": "1", "UV_SYSTEM_PYTHON": "1", "PGSSLMODE": "require"}
    for _ in range(generations - 1):
        given = environment.compose(given)
    seen = seen_by("environment.for_network()", given)
    assert seen == WANTED | REACHING | {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}


def test_who_wants_no_proxy_has_none() -> None:
    seen = seen_by("environment.for_network()", {"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": "*", "PIP_CERT": "/etc/ssl/company.pem"})
    assert seen == {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "PIP_CERT": "/etc/ssl/company.pem"}


def test_a_folder_for_temporary_files_has_to_be_there(tmp_path: Path) -> None:
    assert environment.compose({"TMPDIR": str(tmp_path)})["TMPDIR"] == str(tmp_path)
    assert "TMPDIR" not in environment.compose({"TMPDIR": str(tmp_path / "missing")})


def test_variables_of_a_compose_file_of_ones_own_count(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("services: {flask: {environment: {LEVEL: '${MY_LEVEL:-1}'}}}")
    given = {"COMPOSE_FILE": f"compose.yaml:{own}", "MY_LEVEL": "2", "OTHER_LEVEL": "3"}
    assert {"COMPOSE_FILE", "MY_LEVEL"} <= environment.compose(given).keys()
    assert "OTHER_LEVEL" not in environment.compose(given)


class Asked(dict[str, str]):
    """An empty environment that records the names it is asked for."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
        self.names.add(name)
        return default


def settings_of_programs() -> set[str]:
    """Return the variables that give options their defaults."""
    asked = Asked()
    cli.parser(asked)
    chat_options([], asked)
    bench_options([], asked)
    Parameters.read(asked)
    read_number(asked, "think", THINK)
    return asked.names


def names_in_sources() -> Iterator[str]:
    """Yield the literal names that our programs and tests read from their environment."""
    for folder in ("runtime", "ops", "dev", "loadtest", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            if path.parent.name != "apps":  # the benchmark's servers have their own variables
                text = path.read_text()
                yield from re.findall(r"os\.environ(?:\.get\(|\[)\"(\w+)\"", text)
                yield from re.findall(r"\"(\w+)\" (?:not )?in os\.environ", text)


def names_in_commands() -> set[str]:
    """Return the variables of make commands in the docs and in make's own help."""
    found = set()
    for path in (ROOT / "README.md", ROOT / "Makefile", *(ROOT / "docs").rglob("*.md")):
        for command in re.findall(r"make [a-z-]+((?: [A-Z][A-Z0-9_]*=\S*)+)", path.read_text()):
            found |= set(re.findall(r" ([A-Z][A-Z0-9_]*)=", command))
    help_lines = re.findall(r"## .*\((.*)\)", (ROOT / "Makefile").read_text())
    return found | {name for line in help_lines for name in re.findall(r"\b([A-Z][A-Z0-9_]*)=", line)}


def test_every_setting_reaches_the_program_that_reads_it() -> None:
    elsewhere = {"LIE", "COUNTERS", "WAKING_SECONDS", "LOCUST_SKIP_MONKEY_PATCH"}  # variables of a server and of the test's own process
    elsewhere |= {"PYTHON", "NAME"}  # make's own, and a placeholder
    names = settings_of_programs() | set(names_in_sources()) | names_in_commands() | set(docker_compose.OVERRIDES)
    assert {"X", "USERS", "KILL", "ROUNDS", "THINK", "B", "SHA256", "HTTP_PORT"} <= names
    assert sorted(name for name in names - elsewhere if not is_a_setting_of_ours(name)) == []


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a docker command that writes its environment to a file. Return the file."""
    written, program = tmp_path / "environment", tmp_path / "docker"
    program.write_text(f"#!/bin/sh\nenv > '{written}'\n[ \"$1\" != image ]\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    composed = environment.compose(
        HOSTILE | REACHING | {"DOCKER_HOST": "ssh://builder", "DOCKER_CONFIG": "/d", "SSH_AUTH_SOCK": "/s", "TAG": "mine"}
    )
    for name, value in composed.items():
        monkeypatch.setenv(name, value)
    return written


@pytest.mark.parametrize("what", ["build", "up", "pull"])
def test_docker_has_what_it_needs_and_nothing_that_changes_what_it_does(what: str, docker: Path) -> None:
    if what == "build":
        assert docker_compose.build(tell=print) is None
    elif what == "up":
        docker_compose.compose("up", quiet=True)
    else:
        assert runtime_docker.missing_image() is None
    seen = dict(line.split("=", 1) for line in docker.read_text().splitlines() if "=" in line)
    wanted = {"DOCKER_HOST": "ssh://builder", "DOCKER_CONFIG": "/d", "SSH_AUTH_SOCK": "/s", "TAG": "mine"} | REACHING
    assert wanted.items() <= seen.items()
    for name in ("COMPOSE_PROFILES", "COMPOSE_ENV_FILES", "DOCKER_BUILDKIT", "SOURCE_DATE_EPOCH", "PGSSLMODE", "PIP_USER"):
        assert name not in seen


def test_no_container_asks_the_proxy_of_the_users_docker_configuration() -> None:
    """Docker sets the proxies of ~/.docker/config.json in every container. A container on a network with a peer to call ignores them."""
    entries = load({})[1]["services"]
    asking = {name: entry for name, entry in entries.items() if {"backend", "lab"} & set(entry.get("networks", []))}
    assert {"nginx", "flask", "locust", "locust-worker", "monitor"} <= asking.keys()
    assert {name for name, entry in asking.items() if entry["environment"].get("no_proxy") != "*"} == set()

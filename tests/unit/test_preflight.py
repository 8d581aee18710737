"""Everything that a person must provide for production is checked first and reported in one list. Mixed profiles are refused."""

import errno
import os
import re
import socket
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops import deploy
from runtime import ports, secrets
from runtime.checks import preflight
from runtime.checks.variables import wrong_variables
from runtime.compose_file import ROOT, project
from runtime.docker import engine as docker_engine
from runtime.docker.compose import files
from runtime.docker.wanted import Wanted
from runtime.servers import free_port
from tests.authority import write_certificate

NAME = "twogates.example"


@pytest.fixture
def given(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Settings of a production host that has everything."""
    made = {"PROFILE": "production", "SERVER_NAMES": NAME, "BIND": "127.0.0.1", "HTTP_PORT": "9", "HTTPS_PORT": "9"}
    made |= {"SECRETS": str(tmp_path / "secrets"), "TLS_CERTIFICATES": str(tmp_path / "tls")}
    (tmp_path / "tls").mkdir()
    write_certificate(tmp_path / "tls", [NAME])
    done = subprocess.run([sys.executable, "-m", "runtime.secrets"], cwd=ROOT, env=os.environ | made, capture_output=True, timeout=60)
    assert done.returncode == 0
    yield made


def faults(given: dict[str, str], capsys: pytest.CaptureFixture[str], starts: bool = False) -> str:
    with pytest.raises(SystemExit) as ended:
        preflight.check(given, starts=starts)
    assert ended.value.code == 2
    return capsys.readouterr().err


def test_who_has_all_of_it_hears_nothing(given: dict[str, str]) -> None:
    preflight.check(given, starts=False)


@pytest.mark.parametrize(("engine", "accepted"), [("27.5.1", False), ("28.0.0", True), ("29.1", True), ("", True)])
def test_production_refuses_an_engine_whose_networks_do_not_hold(
    engine: str, accepted: bool, given: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(docker_engine, "look", lambda: docker_engine.Engine(engine=engine))
    if accepted:
        preflight.check(given, starts=False)
    else:
        assert "Docker engine 27.5.1 is older than 28.0, which production needs" in faults(given, capsys)
    preflight.check({**given, "PROFILE": "development"}, starts=False)


def test_all_that_is_missing_is_one_list_by_the_names_of_the_docs(tmp_path: Path) -> None:
    """As a person sees it, with the command that they type."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        given = {"HTTP_PORT": port, "HTTPS_PORT": str(free_port())}
        own = {"PROFILE": "production", **given, "SECRETS": str(tmp_path / "s"), "TLS_CERTIFICATES": str(tmp_path / "t")}
        environment = {name: value for name, value in os.environ.items() if name != "RUNTIME"} | own | {"FASTAPI_WORKERS": "many"}
        done = subprocess.run(
            [sys.executable, "-m", "ops.stack", "up"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
        )
    assert (done.returncode, done.stdout) == (2, "")  # nothing was started
    assert "5 things have to be mended" in done.stderr
    for words in (
        "FASTAPI_WORKERS is 'many'; accepted: a whole number from 1 to 256, or auto",
        f"All secrets are missing in {tmp_path}/s. Make them with: make secrets",
        f"The certificate: fullchain.pem and privkey.pem are missing in {tmp_path}/t (TLS_CERTIFICATES)",
        "SERVER_NAMES is not set; accepted: the names that clients use",
        f"Port {port} on 127.0.0.1 cannot be used",
    ):
        assert f"\n  - {words}" in done.stderr


@pytest.mark.parametrize(("names", "days", "words"), [("other.example", 90, f"is not for {NAME}"), (NAME, 0, "which is not now")])
def test_a_certificate_that_will_not_do(
    names: str, days: int, words: str, given: dict[str, str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    write_certificate(tmp_path / "tls", [names], days=days)
    assert re.search(rf"The certificate: fullchain.pem .*{words}", faults(given, capsys))


def test_a_key_of_another_certificate(given: dict[str, str], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    certificate = (tmp_path / "tls/fullchain.pem").read_bytes()
    write_certificate(tmp_path / "tls", [NAME])
    (tmp_path / "tls/fullchain.pem").write_bytes(certificate)
    assert "privkey.pem is not the key of fullchain.pem" in faults(given, capsys)


def test_secrets_that_are_missing_empty_or_weak(given: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(given["SECRETS"])
    for name, text in {"django_secret_key": "short", "worker_password": "", "valkey_password": None}.items():
        (folder / name).unlink()
        if text is not None:
            (folder / name).write_text(text)
    said = faults(given, capsys)
    assert "The secret valkey_password is missing" in said
    assert "The secret worker_password in" in said
    assert "The secret django_secret_key has fewer than 50 characters" in said


@pytest.mark.parametrize(
    ("text", "words"),
    [("hunter2hunter2", "fewer than 20 characters"), ("1234512345123451234512345", "fewer than 8 different characters")],
)
@pytest.mark.parametrize("name", ["postgres_password", "flask_password", "worker_password", "valkey_password"])
def test_a_password_that_can_be_guessed(
    given: dict[str, str], capsys: pytest.CaptureFixture[str], name: str, text: str, words: str
) -> None:
    file = Path(given["SECRETS"]) / name
    file.unlink()
    file.write_text(text)
    assert f"The secret {name} has {words}. Remove its file, then: make secrets" in faults(given, capsys)


@pytest.mark.parametrize("mode", [0o750, 0o701, 0o705])
def test_a_folder_of_secrets_that_others_may_enter(given: dict[str, str], capsys: pytest.CaptureFixture[str], mode: int) -> None:
    Path(given["SECRETS"]).chmod(mode)
    assert "is open to others" in faults(given, capsys)
    Path(given["SECRETS"]).chmod(0o700)
    preflight.check(given, starts=False)


def test_every_secret_of_compose_is_asked_for(tmp_path: Path) -> None:
    [sentence] = preflight.wrong_secrets({"SECRETS": str(tmp_path)})
    assert sentence.startswith("All secrets are missing")
    for path in secrets.files()[1:]:
        (tmp_path / path.name).write_text(string.ascii_letters)
    [sentence] = preflight.wrong_secrets({"SECRETS": str(tmp_path)})
    assert f"The secret {secrets.files()[0].name} is missing" in sentence


def test_a_low_port_is_the_engines_to_bind(monkeypatch: pytest.MonkeyPatch) -> None:
    """The owner of the checkout may not bind port 80, but Docker may."""
    monkeypatch.setattr("runtime.ports.why_not", lambda *_: PermissionError(13, "Permission denied"))
    monkeypatch.setattr("runtime.ports.holder", lambda _: None)
    assert preflight.taken("0.0.0.0", 80, "HTTP_PORT") is None


def test_what_has_a_port_may_end_while_it_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """For example, an Nginx that exits again and again because of its configuration."""
    with subprocess.Popen(["true"]) as ended:
        pass
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        monkeypatch.setattr("runtime.ports.container", lambda _: None)
        monkeypatch.setattr("runtime.ports.opens", lambda pid, _: pid == os.getpid())
        holder = ports.holder(port)
        assert holder
        assert holder.pid == os.getpid()
        monkeypatch.setattr("pathlib.Path.glob", lambda *_: [Path(f"/proc/{ended.pid}")])
        monkeypatch.setattr("runtime.ports.opens", lambda *_: True)
        assert ports.holder(port) is None
        assert preflight.taken("127.0.0.1", port, "HTTP_PORT")  # the port is still in use
    assert preflight.taken("127.0.0.1", port, "HTTP_PORT") is None


def test_a_container_of_ours_in_a_restart_loop_holds_no_port_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Docker's proxy listens before Docker lists the port of the container that it just started."""
    found = iter([ports.Holder("docker-proxy", 1), None, ports.Holder("the container of nginx", project=project())])
    monkeypatch.setattr("runtime.ports.why_not", lambda *_: OSError(errno.EADDRINUSE, "Address already in use"))
    monkeypatch.setattr("runtime.ports.holder", lambda _: next(found))
    assert preflight.taken("127.0.0.1", 8080, "HTTP_PORT") is None


def test_the_doctor_names_it_too(tmp_path: Path) -> None:
    own = {"PROFILE": "production", "SECRETS": str(tmp_path / "s"), "TLS_CERTIFICATES": str(tmp_path / "t"), "SERVER_NAMES": NAME}
    command = [sys.executable, "-S", "-m", "ops.doctor"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | own, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    said = " ".join(done.stdout.split())
    assert "All secrets are missing" in said
    assert "fullchain.pem and privkey.pem are missing" in said


@pytest.mark.parametrize("bind", ["0.0.0.0", "10.0.0.5", "192.168.1.2"])
def test_development_does_not_face_a_network(bind: str) -> None:
    """Unless a second setting allows it."""
    [sentence] = wrong_variables({"BIND": bind})
    assert sentence.startswith(f"BIND is {bind!r} in development, ")
    assert not [*wrong_variables({"BIND": bind, "EXPOSE_DEVELOPMENT": "on"})]
    assert not [*wrong_variables({"BIND": bind, "PROFILE": "production"})]
    assert not [*wrong_variables({"BIND": "127.0.0.2"})]


@pytest.mark.parametrize("variable", ["HTTP3", "PGBOUNCER", "EXPOSE_DEVELOPMENT"])
def test_a_variable_that_compose_does_not_read_is_checked_too(variable: str) -> None:
    assert [*wrong_variables({variable: "maybe"})] == [f"{variable} is 'maybe'; accepted: on or off"]
    assert not [*wrong_variables({variable: "on"})]


@pytest.mark.parametrize("variable", ["HTTP3", "PGBOUNCER"])
def test_compose_file_has_what_a_variable_asks_for(variable: str) -> None:
    """COMPOSE_FILE takes precedence, so files that another variable selects would be left out without a message."""
    files = "compose.yaml:compose.production.yaml"
    [sentence] = wrong_variables({"PROFILE": "production", "COMPOSE_FILE": files, variable: "on"})
    needed = f"compose.{variable.lower()}.yaml"
    assert sentence == f"{variable} is 'on' and COMPOSE_FILE is {files!r}; accepted: with {needed} in it"
    assert not [*wrong_variables({"PROFILE": "production", "COMPOSE_FILE": f"{files}:{needed}", variable: "on"})]


@pytest.mark.parametrize("asked", ["djngo", "migrate", ""])
def test_a_deploy_of_what_there_is_not_names_what_there_is(asked: str) -> None:
    command = [sys.executable, "-m", "ops.deploy", *asked.split()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert f"S is {asked!r}; accepted: flask, fastapi, django, worker, upstream, several of them with spaces between, or all" in done.stderr


def test_a_deploy_covers_what_is_built_from_the_same_image_and_all_covers_all() -> None:
    images = {"flask": "f", "fastapi": "a", "django": "d", "worker": "d", "migrate": "d", "upstream": "u", "postgres": "p"}
    services = {name: Wanted(name, image, 1, name == "migrate", name != "postgres", "") for name, image in images.items()}
    assert [one.name for one in deploy.chosen(["django"], services)] == ["worker", "django"]
    assert [one.name for one in deploy.chosen(["worker"], services)] == ["worker", "django"]
    assert [one.name for one in deploy.chosen(["all"], services)] == ["upstream", "worker", "flask", "fastapi", "django"]
    assert [one.name for one in deploy.chosen(["fastapi", "flask"], services)] == ["flask", "fastapi"]


def test_step_2_of_the_docs_gives_compose_the_files_of_production() -> None:
    written = (ROOT / "docs/production.md").read_text()
    block = re.search(r"cat > \.env <<'END'\n(.*?) +END\n", written, re.DOTALL)
    assert block
    given = dict(line.split("=", 1) for line in map(str.strip, block[1].splitlines()))
    assert not [*wrong_variables(given)]
    assert given["COMPOSE_FILE"].split(":") == files({"PROFILE": "production"})

"""The example in production: off, or readable by everyone and writable only with the token."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from runtime.compose_file import load
from tests import bare_service
from twogates.demo.board.access import ExampleSettings, network

TOKEN = "abcdefghijklmnopqrstuvwxyz" * 2
READ = ["/json", "/hello/a", "/wait?seconds=0", "/stream", "/events", "/static/gates.svg", "/boards/0"]
WRITE = [("POST", "/echo"), ("POST", "/upload"), ("POST", "/boards"), ("PUT", "/boards/0"), ("DELETE", "/boards/0/messages/0")]
SERVICES = [*bare_service.COMMANDS]


@pytest.fixture(scope="module", params=SERVICES)
def off(request: pytest.FixtureRequest) -> Iterator[str]:
    with bare_service.started(request.param, EXAMPLE="off") as (url, _):
        yield url


@pytest.fixture(scope="module", params=SERVICES)
def guarded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    token = tmp_path_factory.mktemp("token") / "example_token"
    token.write_text(f"{TOKEN}\n")
    with bare_service.started(request.param, EXAMPLE_TOKEN_FILE=str(token)) as (url, _):
        yield url


def test_off_leaves_nothing_but_the_core(off: str) -> None:
    assert httpx.get(f"{off}/").status_code == 200
    assert httpx.get(f"{off}/healthz").status_code == 200
    assert httpx.get(f"{off}/readyz").status_code == 503  # there is no database
    nothing = httpx.get(f"{off}/nothing")
    for method, path in (*(("GET", path) for path in READ), ("HEAD", "/json"), *WRITE, ("GET", "//"), ("GET", "/readyz/")):
        refused = httpx.request(method, off + path)
        assert (refused.status_code, refused.headers["Content-Type"]) == (404, "application/problem+json"), path
        assert refused.content == (b"" if method == "HEAD" else nothing.content)
        assert refused.headers["Content-Length"] == str(len(nothing.content))
        assert refused.headers["X-Request-ID"]


def test_everybody_may_read_and_nobody_write(guarded: str) -> None:
    for path in READ[:-1]:
        assert httpx.get(guarded + path).status_code == 200, path
    assert httpx.head(f"{guarded}/json").status_code == 200
    wrong = ["", "Bearer", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}a", f"bearer {TOKEN}", TOKEN, f"Basic {TOKEN}", "Bearer \xe9"]
    for method, path in WRITE:
        for given in wrong:
            headers = [(b"Authorization", given.encode("latin-1"))] if given else []
            refused = httpx.request(method, guarded + path, headers=headers)
            assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer"), (path, given)
            assert "secrets/example_token" in refused.json()["detail"]


def test_who_has_the_token_may_write(guarded: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    echoed = httpx.post(f"{guarded}/upload", headers=headers, content=b"a body")
    assert (echoed.status_code, echoed.json()["bytes"]) == (200, 6)
    assert httpx.post(f"{guarded}/boards", headers=headers, json={"name": "a"}).status_code == 503  # the request got as far as the database


def test_a_socket_is_refused_where_it_is_off(off: str) -> None:
    for path in ("/ws", "/boards/1/chat"):
        with pytest.raises(InvalidStatus) as refused:
            connect(off.replace("http", "ws", 1) + path)
        assert refused.value.response.status_code in (403, 404)  # Flask has no WebSockets


def test_production_has_it_off_unless_it_is_asked_for() -> None:
    for given, wanted in (({}, "off"), ({"EXAMPLE": "on"}, "on")):
        services, _ = load({"PROFILE": "production", **given})
        for name in ("flask", "fastapi", "django"):
            environment = services[name].environment
            assert (environment["EXAMPLE"], environment["EXAMPLE_TOKEN_FILE"]) == (wanted, "/run/secrets/example_token")
        assert services["worker"].environment["EXAMPLE"] == wanted
    assert load({})[0]["flask"].environment["EXAMPLE"] == "on"


@pytest.mark.parametrize(("example", "ends_well"), [("off", True), ("on", False)])
def test_nothing_is_deleted_where_it_is_off(example: str, ends_well: bool) -> None:
    """The worker's job, without a database: it does not connect if the example is off."""
    program = "import django; django.setup(); from notices.tasks import forget_messages; forget_messages(0)"
    given = {**os.environ, **bare_service.SETTINGS, "EXAMPLE": example, "MESSAGE_DAYS": "30", "DJANGO_SETTINGS_MODULE": "django_settings"}
    given["PYTHONPATH"] = str(bare_service.SERVICES / "shared")
    folder = bare_service.SERVICES / "django_async"
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, env=given, capture_output=True, text=True, timeout=120)
    assert (done.returncode == 0) is ends_well, done.stderr
    assert ends_well or "OperationalError" in done.stderr or "PoolTimeout" in done.stderr, done.stderr


@pytest.mark.parametrize("text", ["", "short", None])
def test_a_weak_token_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None) -> None:
    file = tmp_path / "token"
    if text is not None:
        file.write_text(text)
    with pytest.raises(SystemExit):
        ExampleSettings.read({**bare_service.SETTINGS, "EXAMPLE_TOKEN_FILE": str(file)})
    assert "EXAMPLE_TOKEN_FILE is" in (said := capsys.readouterr().err)
    assert "accepted: a file with 50 characters or more" in said


def test_in_production_clients_are_counted_and_not_the_names_they_choose() -> None:
    production = ExampleSettings.read({**bare_service.SETTINGS, "PROFILE": "production"})
    assert production.message_quota("Ada", "203.0.113.7") == production.message_quota("Ben", "203.0.113.7")
    assert production.message_quota("Ada", "203.0.113.7") != production.message_quota("Ada", "203.0.113.8")
    development = ExampleSettings.read(bare_service.SETTINGS)
    assert development.message_quota("Ada", "203.0.113.7") != development.message_quota("Ben", "203.0.113.7")


@pytest.mark.parametrize(
    ("address", "client"),
    [("203.0.113.7", "203.0.113.7"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"), ("::1", "::"), ("", ""), ("unix:", "unix:")],
)
def test_a_client_is_an_address_or_a_network_of_64_bits(address: str, client: str) -> None:
    assert network(address) == client

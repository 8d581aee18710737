"""Every application, and everything that wraps one, with the smallest request that PEP 3333 and ASGI allow."""

import asyncio
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from wsgiref.validate import validator

import pytest

from runtime.local.plan import make_plan
from tests import asgi_validator
from tests.conftest import ROOT
from tests.smallest import by_asgi, by_wsgi, scope
from twogates.http import asgi, counters, wsgi

# Service, module of the application, and interface. The laboratory starts Django's second one for `make lab X=django-both`.
APPLICATIONS = [
    ("flask", "app", "wsgi"),
    ("fastapi", "app", "asgi"),
    ("django", "app", "asgi"),
    ("django", "wsgi", "wsgi"),
    ("upstream", "app", "asgi"),
    ("monitor", "app", "asgi"),
]


@pytest.fixture(params=[False, True], ids=["alone", "counted"], autouse=True)
def counting(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run each test without and with the laboratory's counters. The debug level also exercises the optional log line."""
    monkeypatch.setattr(counters, "_own", None)
    monkeypatch.setenv("COUNTERS", str(tmp_path)) if request.param else monkeypatch.delenv("COUNTERS", raising=False)
    logging.getLogger("twogates").setLevel("DEBUG")
    yield
    logging.getLogger("twogates").setLevel("NOTSET")


def hello_wsgi(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


START = {"type": "http.response.start", "status": 200}


async def hello_asgi(scope: asgi.Message, receive: asgi.Receive, send: asgi.Send) -> None:
    if scope["type"] == "http":
        await send(START)  # without the optional headers; one message for all requests
        await send({"type": "http.response.body"})
    elif scope["type"] == "websocket":
        await send({"type": "websocket.close"})
    else:
        await receive()


def test_wsgi() -> None:
    """Two requests: one for the application's root below SCRIPT_NAME, without PATH_INFO, and one with a path."""
    inner = validator(hello_wsgi)
    observed = wsgi.RequestIdMiddleware(lambda environ, start_response: inner({"PATH_INFO": "", **environ}, start_response))
    assert [by_wsgi(observed, "GET", path) for path in ("", "/healthz")] == [(200, b"hello")] * 2


@pytest.mark.parametrize("kind", ["http", "websocket", "lifespan"])
def test_asgi(kind: str) -> None:
    observed = asgi.RequestIdMiddleware(asgi_validator.validator(hello_asgi))
    sent = asyncio.run(by_asgi(observed, scope(kind)))
    assert [message["type"] for message in sent] == {
        "http": ["http.response.start", "http.response.body"],
        "websocket": ["websocket.close"],
        "lifespan": [],
    }[kind]


def test_asgi_leaves_the_message_of_the_application_as_it_is() -> None:
    asyncio.run(by_asgi(asgi.RequestIdMiddleware(hello_asgi), scope("http")))
    assert START == {"type": "http.response.start", "status": 200}


def test_the_validator_of_these_tests_finds_a_breach() -> None:
    async def twice(scope: asgi.Message, receive: asgi.Receive, send: asgi.Send) -> None:
        await hello_asgi(scope, receive, send)
        await send({"type": "http.response.body"})

    async def half(scope: asgi.Message, receive: asgi.Receive, send: asgi.Send) -> None:
        await send(START)

    async def text(scope: asgi.Message, receive: asgi.Receive, send: asgi.Send) -> None:
        await send({**START, "headers": [("content-type", "text/plain")]})

    for wrong in (twice, half, text):
        with pytest.raises(AssertionError):
            asyncio.run(by_asgi(wrong, scope("http")))
    for missing in ("method", "headers", "asgi"):
        with pytest.raises((AssertionError, KeyError)):
            asyncio.run(by_asgi(hello_asgi, {name: value for name, value in scope("http").items() if name != missing}))


@pytest.mark.parametrize(("service", "module", "interface"), APPLICATIONS, ids=lambda one: one)
def test_an_application_of_a_service(service: str, module: str, interface: str, counting: None, tmp_path: Path) -> None:
    process = next(one for one in make_plan().processes if one.name.split("-")[0] == service)
    environment = {**process.environment, "DATABASE_PASSWORD_FILE": "", "CACHE_PASSWORD_FILE": "", "LOG_LEVEL": "debug"}
    environment |= {"LIVE_FOLDER": str(tmp_path), "COUNTERS": os.environ.get("COUNTERS", "")}
    (key := tmp_path / "key").write_text("for this test alone, and fifty characters long, as it must be")
    environment["SECRET_KEY_FILE"] = str(key)
    environment["PYTHONPATH"] = f"{process.folder}:{environment['PYTHONPATH']}:{ROOT}"
    ran = subprocess.run(
        [sys.executable, "-m", "tests.smallest", module, interface],
        cwd=process.folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    answers = json.loads(ran.stdout)
    wrong = {asked: status for asked, status in answers.items() if isinstance(status, int) and status >= 500}
    wrong.pop("GET /ws", None) if service == "flask" else None  # 501: WSGI has no WebSockets
    assert not wrong, ran.stderr
    assert "Traceback" not in ran.stderr
    print(answers)

"""Request id and timing around bare callables, for WSGI and for ASGI."""

import asyncio
import io
import json
import logging
import logging.config
import re
from collections.abc import Iterable
from contextvars import copy_context
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from twogates.http import asgi, wsgi
from twogates.http.context import REQUEST_ID
from twogates.server.logs import RequestIdFilter, logging_config

TIMING = re.compile(r"app;dur=\d+\.\d{3}")
Headers = list[tuple[str, str]]


class Broken(Exception):
    """The exception that these applications raise."""


def call_wsgi(app: Any, request_id: str | None = None) -> tuple[str, Headers, bytes]:
    """Send a request through the WSGI middleware."""
    environ: dict[str, Any] = {} if request_id is None else {"HTTP_X_REQUEST_ID": request_id}
    setup_testing_defaults(environ)
    started: list[tuple[str, Headers]] = []
    observed = wsgi.RequestIdMiddleware(app)
    answer = copy_context().run(observed, environ, lambda status, headers, exc_info=None: started.append((status, headers)))
    return *started[-1], b"".join(answer)


def call_asgi(app: Any, request_id: str | None = None) -> tuple[int, Headers, bytes]:
    """Send a request through the ASGI middleware."""
    headers = [(b"host", b"x")] if request_id is None else [(b"host", b"x"), (b"x-request-id", request_id.encode("latin-1"))]
    sent: list[asgi.Message] = []

    async def send(message: asgi.Message) -> None:
        sent.append(message)

    async def receive() -> asgi.Message:
        return {"type": "http.request"}

    try:
        asyncio.run(asgi.RequestIdMiddleware(app)({"type": "http", "method": "GET", "path": "/a", "headers": headers}, receive, send))
    finally:
        MESSAGES[:] = sent
    names = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in sent[0]["headers"]]
    return sent[0]["status"], names, b"".join(message.get("body", b"") for message in sent[1:])


MESSAGES: list[asgi.Message] = []


def hello_wsgi(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [REQUEST_ID.get().encode("latin-1")]


async def hello_asgi(scope: asgi.Message, receive: asgi.Receive, send: asgi.Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": REQUEST_ID.get().encode("latin-1")})


gates = pytest.mark.parametrize(("call", "app"), [(call_wsgi, hello_wsgi), (call_asgi, hello_asgi)], ids=["wsgi", "asgi"])


@gates
def test_an_id_is_passed_on_and_echoed(call: Any, app: Any) -> None:
    _, headers, body = call(app, "the-id-of-nginx")
    assert [value for name, value in headers if name.lower() == "x-request-id"] == ["the-id-of-nginx"]
    assert body == b"the-id-of-nginx"


@gates
@pytest.mark.parametrize("given", [None, ""])
def test_a_missing_id_is_made(call: Any, app: Any, given: str | None) -> None:
    made = {call(app, given)[2] for _ in range(2)}
    assert all(re.fullmatch(rb"[0-9a-f]{32}", one) for one in made)
    assert len(made) == 2


@gates
def test_the_time_is_added_to_the_headers_there_are(call: Any, app: Any) -> None:
    _, headers, _ = call(app)
    lower = {name.lower(): value for name, value in headers}
    assert TIMING.fullmatch(lower["server-timing"])
    assert lower["content-type"] == "text/plain"


def test_asgi_leaves_other_protocols_alone() -> None:
    seen: list[str] = []

    async def app(scope: asgi.Message, receive: asgi.Receive, send: asgi.Send) -> None:
        seen.append(scope["type"])

    for kind in ("lifespan", "another"):
        asyncio.run(asgi.RequestIdMiddleware(app)({"type": kind}, None, None))  # type: ignore[arg-type]
    assert seen == ["lifespan", "another"]


def test_asgi_answers_500_for_an_exception_before_the_answer() -> None:
    async def app(scope: asgi.Message, receive: asgi.Receive, send: asgi.Send) -> None:
        raise Broken

    status, headers, body = call_asgi(app, "request-1")
    lower = dict(headers)
    assert (status, json.loads(body)["status"], lower["content-type"]) == (500, 500, "application/problem+json")
    assert lower["content-length"] == str(len(body))
    assert lower["x-request-id"] == "request-1"
    assert TIMING.fullmatch(lower["server-timing"])


def test_asgi_cannot_answer_for_an_exception_after_it_began() -> None:
    async def app(scope: asgi.Message, receive: asgi.Receive, send: asgi.Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise Broken

    with pytest.raises(Broken):
        call_asgi(app)
    assert [message["type"] for message in MESSAGES] == ["http.response.start"]


def test_asgi_lets_a_cancellation_through() -> None:
    async def app(scope: asgi.Message, receive: asgi.Receive, send: asgi.Send) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(asgi.RequestIdMiddleware(app)({"type": "http", "path": "/", "headers": []}, None, None))  # type: ignore[arg-type]


def test_wsgi_leaves_an_exception_to_the_server() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        raise Broken

    with pytest.raises(Broken):
        call_wsgi(app)


def test_wsgi_passes_the_exception_of_a_second_start_on() -> None:
    given: list[Any] = []

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("500 Internal Server Error", [], ("type", "value", None))
        return []

    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/"}
    copy_context().run(wsgi.RequestIdMiddleware(app), environ, lambda status, headers, exc_info=None: given.append(exc_info))
    assert given == [("type", "value", None)]


def test_requests_at_once_keep_their_own_ids() -> None:
    async def app(scope: asgi.Message, receive: asgi.Receive, send: asgi.Send) -> None:
        await asyncio.sleep(0)
        await hello_asgi(scope, receive, send)

    async def request(number: int) -> bytes:
        bodies: list[bytes] = []

        async def send(message: asgi.Message) -> None:
            bodies.append(message.get("body", b""))

        scope = {"type": "http", "path": "/", "headers": [(b"x-request-id", b"request-%d" % number)]}
        await asgi.RequestIdMiddleware(app)(scope, None, send)  # type: ignore[arg-type]
        return b"".join(bodies)

    async def main() -> list[bytes]:
        return await asyncio.gather(*(request(number) for number in range(20)))

    assert asyncio.run(main()) == [b"request-%d" % number for number in range(20)]


@pytest.fixture
def log_lines() -> Iterable[io.StringIO]:
    """Capture what the services' logging configuration writes. Remove the handler afterwards."""
    config = logging_config("info")
    formatter = config["formatters"]["json"]
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(logging.config.DictConfigurator(config).configure_formatter(dict(formatter)))
    handler.addFilter(RequestIdFilter())
    logging.getLogger("twogates").addHandler(handler)
    yield handler.stream
    logging.getLogger("twogates").removeHandler(handler)
    logging.getLogger("twogates").setLevel("NOTSET")


def test_the_log_of_an_exception_has_the_request_id(log_lines: io.StringIO) -> None:
    async def app(scope: asgi.Message, receive: asgi.Receive, send: asgi.Send) -> None:
        raise Broken("of this test")

    call_asgi(app, "request-2")
    line = json.loads(log_lines.getvalue())
    assert (line["request_id"], line["level"], line["logger"]) == ("request-2", "ERROR", "twogates.http.asgi")
    assert "Broken: of this test" in line["exc_info"]
    assert line["pid"] > 0


@gates
def test_what_is_received_is_logged_for_debugging_alone(call: Any, app: Any, log_lines: io.StringIO) -> None:
    call(app, "request-3")
    assert not log_lines.getvalue()
    logging.getLogger("twogates").setLevel("DEBUG")
    call(app, "request-4")
    line = json.loads(log_lines.getvalue())
    assert (line["request_id"], line["level"]) == ("request-4", "DEBUG")
    assert re.fullmatch("received GET /a?", line["message"])


def test_a_websocket_has_an_id_and_is_logged(log_lines: io.StringIO) -> None:
    seen: list[str] = []

    async def app(scope: asgi.Message, receive: asgi.Receive, send: asgi.Send) -> None:
        seen.append(REQUEST_ID.get())

    logging.getLogger("twogates").setLevel("DEBUG")
    scope = {"type": "websocket", "path": "/ws", "headers": [(b"x-request-id", b"socket-1")]}
    asyncio.run(asgi.RequestIdMiddleware(app)(scope, None, None))  # type: ignore[arg-type]
    assert seen == ["socket-1"]
    assert json.loads(log_lines.getvalue())["message"] == "received WebSocket /ws"


def test_a_log_line_outside_of_a_request_has_a_dash(log_lines: io.StringIO) -> None:
    logging.getLogger("twogates.start").warning("ready")
    line = json.loads(log_lines.getvalue())
    assert (line["request_id"], line["message"]) == ("-", "ready")

"""Transports to a server: each is of the declared kind, or raises an error that says what it is not."""

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from loadtest.generator.transports import Caller, WayError
from runtime.local.plan import RUN, make_plan, run_jobs

BODY = b'{"ok": true}'


class Handler(BaseHTTPRequestHandler):
    """Answers with how often its connection was used, and whether its TLS session was resumed."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.used = getattr(self, "used", 0) + 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.send_header("X-Used", str(self.used))
        self.send_header("X-Resumed", str(getattr(self.connection, "session_reused", None)))
        self.send_header("X-Host", self.headers["Host"])
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *args: Any) -> None:
        pass


def serving(context: ssl.SSLContext | None) -> Iterator[tuple[str, int]]:
    """Run a server until the test ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield ("127.0.0.1", server.server_address[1])
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def context() -> ssl.SSLContext:
    assert run_jobs(make_plan().jobs) is None
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(RUN / "tls/fullchain.pem", RUN / "tls/privkey.pem")
    return made


@pytest.fixture
def plain() -> Iterator[tuple[str, int]]:
    yield from serving(None)


@pytest.fixture
def secure(context: ssl.SSLContext) -> Iterator[tuple[str, int]]:
    context.num_tickets = 2
    yield from serving(context)


@pytest.fixture
def forgetful(context: ssl.SSLContext) -> Iterator[tuple[str, int]]:
    """A server that gives clients no TLS session to resume."""
    context.num_tickets = 0
    yield from serving(context)


def asked(caller: Caller, times: int = 3) -> list[tuple[str, str]]:
    """Return, for each request, how often its connection was used and whether the session was resumed."""
    found = []
    for _ in range(times):
        answer = caller.get("/json", {"X-Request-ID": "1"})
        assert (answer.status, answer.body, answer.headers["x-host"]) == (200, BODY, "localhost")
        found.append((answer.headers["x-used"], answer.headers["x-resumed"]))
    caller.close()
    return found


def test_without_tls(plain: tuple[str, int]) -> None:
    assert asked(Caller(plain, "kept", 5)) == [("1", "None"), ("2", "None"), ("3", "None")]
    assert asked(Caller(plain, "new", 5)) == [("1", "None")] * 3


def test_with_tls(secure: tuple[str, int]) -> None:
    assert asked(Caller(secure, "tls kept", 5)) == [("1", "False"), ("2", "False"), ("3", "False")]
    assert asked(Caller(secure, "tls new", 5)) == [("1", "False")] * 3
    assert asked(Caller(secure, "tls resumed", 5)) == [("1", "False"), ("1", "True"), ("1", "True")]


def test_a_session_that_is_not_resumed_is_no_resumed_one(forgetful: tuple[str, int]) -> None:
    with pytest.raises(WayError, match="did not resume"):
        asked(Caller(forgetful, "tls resumed", 5))


def test_http_1_is_no_http_2(secure: tuple[str, int]) -> None:
    with pytest.raises(WayError, match="did not choose HTTP/2"):
        asked(Caller(secure, "http2 kept", 5))

"""The load generator of make bench: it must count correctly, reuse its connections, and detect every wrong answer."""

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from loadtest.bench.load import CONNECTIONS, MOST_FAILURES, Load

RIGHT = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"ok":true}'
CHUNKED = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"ok"\r\n6\r\n:true}\r\n0\r\n\r\n'
CLOSING = RIGHT.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n")


class Server(socketserver.ThreadingTCPServer):
    """Answers request number n with ``answer(n)``. Closes the connection after an answer that says so or that is truncated."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, answer: Callable[[int], bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = answer
        self.lock = threading.Lock()
        self.requests = 0
        self.connections = 0


class Handler(socketserver.BaseRequestHandler):
    server: Server
    request: socket.socket

    def handle(self) -> None:
        with suppress(OSError):  # the client may disconnect at any time
            self.answer_all()

    def answer_all(self) -> None:
        with self.server.lock:
            self.server.connections += 1
        received = b""
        while piece := self.request.recv(65536):
            received += piece
            while b"\r\n\r\n" in received:
                received = received.partition(b"\r\n\r\n")[2]
                with self.server.lock:
                    self.server.requests += 1
                    number = self.server.requests
                answer = self.server.answer(number)
                self.request.sendall(answer)
                if b"Connection: close" in answer or b"Content-Length: 99" in answer:
                    return


@contextmanager
def serving(answer: Callable[[int], bytes]) -> Iterator[Server]:
    with Server(answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


def load_on(server: Server) -> Load:
    return Load(server.server_address[1], "/json", {"Host": "127.0.0.1"}, {"ok": True})


@pytest.mark.parametrize("answer", [RIGHT, CHUNKED], ids=["length", "chunked"])
def test_every_request_is_sent_once_over_connections_that_are_kept(answer: bytes) -> None:
    with serving(lambda number: answer) as server, load_on(server) as load:
        load.run(100)
        load.run(233)
        assert not load.failures
        assert (server.requests, server.connections) == (333, CONNECTIONS)


def test_a_connection_that_the_server_closes_is_replaced() -> None:
    with serving(lambda number: CLOSING) as server, load_on(server) as load:
        load.run(100)
        assert not load.failures
        assert (server.requests, server.connections) == (100, 100)


def test_fewer_requests_than_connections() -> None:
    with serving(lambda number: RIGHT) as server, load_on(server) as load:
        load.run(5)
        assert (server.requests, load.failures) == (5, [])


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (RIGHT.replace(b"200 OK", b"500 Internal Server Error"), "status 500"),
        (RIGHT.replace(b"true", b"null"), "the body"),
        (RIGHT.replace(b"{", b"["), "not JSON"),
        (RIGHT.replace(b"11", b"99"), "closed before the answer was complete"),
        (b"garbage\r\n\r\n", "HTTP"),
    ],
    ids=["status", "body", "not JSON", "cut short", "not HTTP"],
)
def test_a_wrong_answer_is_a_failure_with_its_reason(answer: bytes, reason: str) -> None:
    with serving(lambda number: answer if number == 50 else RIGHT) as server, load_on(server) as load:
        load.run(200)
        assert len(load.failures) == 1
        assert reason in load.failures[0]
        assert server.requests == 200


def test_a_run_ends_early_when_everything_fails() -> None:
    with serving(lambda number: RIGHT.replace(b"200", b"503")) as server, load_on(server) as load:
        load.run(10_000)
        assert load.failures == ["status 503"] * len(load.failures)
        assert MOST_FAILURES <= len(load.failures) <= MOST_FAILURES + CONNECTIONS
        assert server.requests < 200
        before = server.requests
        load.run(100)
        assert server.requests == before


def test_a_server_that_is_gone_is_a_failure() -> None:
    with serving(lambda number: CLOSING) as server:
        load = load_on(server)
    with load:
        load.run(10)
        assert "refused" in load.failures[0]

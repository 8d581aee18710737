"""A closed-loop load: each connection sends its next request as soon as it has read and checked the last answer.

The generator's CPU time is not part of any figure. It is kept small, because a server that waits for its client works in
smaller batches and then needs more CPU time for each request.
"""

import json
import select
import socket
from typing import Any, Self

from httptools import HttpParserError, HttpResponseParser

CONNECTIONS = 16
ANSWER_SECONDS = 10
# A run stops after this many failures: the cell has no figure, and each failure may have taken ANSWER_SECONDS.
MOST_FAILURES = 10
PIECE = 65536


class Connection:
    """One connection, and the answer that it is reading. The parser calls the ``on_`` methods."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS)
        self.socket.settimeout(None)  # epoll reports when data is there; a time-out would cost another system call
        self.parser = HttpResponseParser(self)
        self.body = b""
        self.length: int | None = None
        self.complete = False
        self.reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"content-length":
            self.length = int(value)

    def on_body(self, piece: bytes) -> None:
        self.body += piece

    def on_message_complete(self) -> None:
        self.complete = True
        self.reusable = self.parser.should_keep_alive()  # only available here: afterwards the parser expects the next answer

    def send(self, request: bytes) -> None:
        """Send the next request."""
        self.body, self.length, self.complete, self.reusable = b"", None, False, False
        self.socket.sendall(request)

    def wrong(self, expected: dict[str, Any]) -> str | None:
        """Return what is wrong with a complete answer; ``None`` if it is a 200 with at least the ``expected`` members."""
        status = self.parser.get_status_code()
        if status != 200:
            return f"status {status}"
        if self.length not in (None, len(self.body)):
            return f"{len(self.body)} bytes where Content-Length says {self.length}"
        try:
            answer = json.loads(self.body)
        except ValueError:
            return "a body that is not JSON"
        if not isinstance(answer, dict) or any(name not in answer or answer[name] != value for name, value in expected.items()):
            return f"the body {self.body[:80]!r}"
        return None


class Load:
    """The connections to one server, for the duration of the ``with`` block."""

    def __init__(self, port: int, path: str, headers: dict[str, str], expected: dict[str, Any], connections: int = CONNECTIONS) -> None:
        self.port, self.most = port, connections
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        self.request = ("\r\n".join(lines) + "\r\n\r\n").encode()
        self.expected = expected
        self.connections: dict[int, Connection] = {}
        self.failures: list[str] = []

    def __enter__(self) -> Self:
        self.epoll = select.epoll()
        return self

    def __exit__(self, *exception: object) -> None:
        for connection in self.connections.values():
            connection.socket.close()
        self.epoll.close()

    def run(self, requests: int) -> None:
        """Send ``requests`` requests and check every answer; append errors to ``failures``.

        After a run with a failure, the next run does nothing, because the cell has no figure.
        """
        if self.failures:
            return
        try:
            self.send_and_check(requests)
        except OSError as error:  # a connection could not be opened, or not be written to
            self.failures.append(str(error))

    def send_and_check(self, requests: int) -> None:
        left = requests
        while left and len(self.connections) < self.most:
            self.open()
        waiting = set()
        for number, connection in self.connections.items():
            if left:
                left -= 1
                connection.send(self.request)
                waiting.add(number)
        while waiting and len(self.failures) < MOST_FAILURES:
            ready = self.epoll.poll(ANSWER_SECONDS)
            if not ready:
                self.failures.append(f"no answer within {ANSWER_SECONDS} seconds")
                return
            for number, _ in ready:
                connection = self.connections[number]
                if not self.read(connection):
                    continue
                waiting.discard(number)
                if not connection.reusable:
                    self.close(number)
                    if not left:
                        continue
                    number, connection = self.open()
                if left:
                    left -= 1
                    connection.send(self.request)
                    waiting.add(number)

    def read(self, connection: Connection) -> bool:
        """Read the available data. Return whether it ended the answer or the connection."""
        try:
            piece = connection.socket.recv(PIECE)
            connection.parser.feed_data(piece)
        except (OSError, HttpParserError) as error:
            self.failures.append(str(error))
            return True
        if connection.complete:
            wrong = connection.wrong(self.expected)
        elif piece:
            return False
        else:
            wrong = "the connection was closed before the answer was complete"
        if wrong:
            self.failures.append(wrong)
        return True

    def open(self) -> tuple[int, Connection]:
        connection = Connection(self.port)
        number = connection.socket.fileno()
        self.connections[number] = connection
        self.epoll.register(number, select.EPOLLIN)
        return number, connection

    def close(self, number: int) -> None:
        self.epoll.unregister(number)
        self.connections.pop(number).socket.close()

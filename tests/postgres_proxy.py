"""A proxy in front of PostgreSQL that counts how often a client waits for an answer (round trips)."""

import socket
import threading
from contextlib import ExitStack, suppress
from typing import Self

VERSION = 3  # of PostgreSQL's protocol
# Client messages that the server answers before anything else happens ("Sync" and "Query" in the protocol).
WAITS = b"SQ"


class Messages:
    """One client's data, split into messages. A start-up message has a length and a code; each later one has a letter before its length."""

    def __init__(self) -> None:
        self.rest = b""
        self.started = False

    def read(self, data: bytes) -> bytes:
        """Return the letters of the messages that are complete after ``data``."""
        self.rest += data
        letters = b""
        while True:
            head = int(self.started)
            length = head + int.from_bytes(self.rest[head : head + 4])
            if len(self.rest) < head + 4 or len(self.rest) < length:
                return letters
            if self.started:
                letters += self.rest[:1]
            else:  # otherwise a request for encryption, after which the client sends another start-up message
                self.started = int.from_bytes(self.rest[4:6]) == VERSION
            self.rest = self.rest[length:]


class Proxy:
    """The proxy. It listens for the duration of the ``with`` block."""

    def __init__(self, port: int) -> None:
        self.server = port
        self.round_trips = 0
        self.lock = threading.Lock()
        self.sockets = ExitStack()
        self.listener = self.sockets.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.port = int(self.listener.getsockname()[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that is blocked in accept()
        self.sockets.close()

    def accept(self) -> None:
        with suppress(OSError):
            while True:
                client = self.sockets.enter_context(self.listener.accept()[0])
                server = self.sockets.enter_context(socket.create_connection(("127.0.0.1", self.server)))
                for one in (client, server):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self.forward, args=[client, server, Messages()], daemon=True).start()
                threading.Thread(target=self.forward, args=[server, client, None], daemon=True).start()

    def forward(self, source: socket.socket, target: socket.socket, messages: Messages | None) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if messages:
                    with self.lock:  # counts before forwarding, and so before the answer can arrive
                        self.round_trips += sum(letter in WAITS for letter in messages.read(data))
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

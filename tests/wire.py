"""HTTP/1.1 on a plain socket: the request is sent exactly as written, where a client library would correct it."""

import gzip
import socket
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage, HTTPResponse

from tests.stack import HOST, PORT

TIMEOUT = 60.0  # seconds without a byte received


@dataclass(frozen=True)
class Request:
    """A request as bytes; ``target`` is the part after the service's prefix."""

    method: bytes = b"GET"
    target: bytes = b"/"
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes | None = None
    chunked: bool = False

    def encode(self, prefix: str) -> bytes:
        """Return the bytes on the wire. Adds ``Host``, and the header that frames the body if there is one."""
        headers = [(b"Host", f"{HOST}:{PORT}".encode()), *self.headers]
        body = self.body or b""
        if self.chunked:
            headers.append((b"Transfer-Encoding", b"chunked"))
            body = b"".join(encode_chunks(body))
        elif self.body is not None:
            headers.append((b"Content-Length", str(len(body)).encode()))
        lines = [self.method + b" " + prefix.encode() + self.target + b" HTTP/1.1", *(name + b": " + value for name, value in headers)]
        return b"\r\n".join(lines) + b"\r\n\r\n" + body


def encode_chunks(body: bytes, size: int = 1000) -> Iterable[bytes]:
    """Yield ``body`` in chunked transfer coding."""
    for start in range(0, len(body), size):
        part = body[start : start + size]
        yield b"%x\r\n%b\r\n" % (len(part), part)
    yield b"0\r\n\r\n"


@dataclass(frozen=True)
class Answer:
    """An answer; any content coding of ``body`` is already decoded."""

    status: int
    headers: HTTPMessage
    body: bytes

    @property
    def content_type(self) -> str | None:
        return self.headers["Content-Type"]


class Wire:
    """A connection that is reused for as long as the server keeps it open."""

    def __init__(self) -> None:
        self.socket: socket.socket | None = None

    def send(self, data: bytes, method: bytes = b"GET") -> Answer:
        """Send one request and read its answer; ``method`` decides whether a body follows."""
        return send_together([(self, data)], method)[0]

    def write(self, data: bytes) -> None:
        """Send one request."""
        with suppress(ConnectionError):  # a server may answer and close before it has read a body that it rejects
            self.connect().sendall(data)

    def read(self, method: bytes) -> Answer:
        """Read the answer to the request that was sent."""
        response = HTTPResponse(self.connect(), method=method.decode("latin-1"))
        with response:
            response.begin()
            body = response.read()
            if response.will_close:
                self.close()
        if response.msg["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        return Answer(response.status, response.msg, body)

    def connect(self) -> socket.socket:
        """Return the open connection, or open a new one."""
        if self.socket is None:
            self.socket = socket.create_connection((HOST, PORT), timeout=TIMEOUT)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.socket

    def close(self) -> None:
        """Close the connection."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None


def send_together(requests: list[tuple[Wire, bytes]], method: bytes = b"GET") -> list[Answer]:
    """Send one request on each of several connections, then read the answers, so that no request waits for another's answer."""
    kept = [wire.socket is not None for wire, _ in requests]
    for wire, data in requests:
        wire.write(data)
    answers = []
    for (wire, data), was_kept in zip(requests, kept, strict=True):
        try:
            answers.append(wire.read(method))
        except (ConnectionError, HTTPException):
            wire.close()
            if not was_kept:
                raise
            wire.write(data)  # the server had closed the idle connection meanwhile
            answers.append(wire.read(method))
    return answers

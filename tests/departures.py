"""Clients that disconnect: at every endpoint of the contract, at every moment, in every way to close a connection."""

import base64
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import yaml

from tests.conftest import ROOT

# Guards against a hang. A client that is reading gives up after this long and disconnects.
READ_SECONDS = 20
# Values that keep an endpoint busy for a moment, by the parameter names of the contract.
VALUES = {"seconds": "0.2", "chunks": "20", "interval": "0.05", "calls": "1", "work": "1", "name": "x", "board": "1", "message": "1"}
KEY = base64.b64encode(bytes(16)).decode()
LARGE = 65_537  # bytes in a message, one more than the contract allows


@dataclass(frozen=True)
class Endpoint:
    """A method and the path below the service's prefix."""

    method: str
    path: str
    body: bytes = b""
    socket: bool = False

    def head(self, prefix: str) -> bytes:
        lines = [f"{self.method} {prefix}{self.path} HTTP/1.1", "Host: localhost"]
        if self.body:
            lines += ["Content-Type: application/json", f"Content-Length: {len(self.body)}"]
        if self.socket:
            lines += ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {KEY}"]
        return "\r\n".join([*lines, "", ""]).encode()


def endpoints() -> list[Endpoint]:
    """Return all endpoints of the contract. An endpoint that speaks WebSocket appears a second time, as a socket."""
    contract = yaml.safe_load((ROOT / "services" / "openapi.yaml").read_text())
    found = []
    for template, operations in contract["paths"].items():
        for method in operations.keys() & {"get", "post", "put", "delete"}:
            operation = operations[method]
            given = [*operation.get("parameters", ()), *operations.get("parameters", ())]
            names = [resolved(contract, one)["name"] for one in given if resolved(contract, one)["in"] == "query"]
            query = "&".join(f"{name}={VALUES[name]}" for name in sorted(names) if name in VALUES)
            path = template.format_map(VALUES) + (f"?{query}" if query else "")
            found.append(Endpoint(method.upper(), path, b"{" + b" " * 30_000 + b"}" if "requestBody" in operation else b""))
            if "101" in operation["responses"]:
                found.append(Endpoint(method.upper(), path, socket=True))
    return found


def resolved(contract: Any, parameter: dict[str, Any]) -> dict[str, Any]:
    """Return the parameter, or the one that its ``$ref`` points to."""
    return contract["components"]["parameters"][parameter["$ref"].rsplit("/", 1)[1]] if "$ref" in parameter else parameter  # type: ignore[no-any-return]


def frame(opcode: int, payload: bytes = b"", length: int | None = None, mask: bool = True, fin: bool = True) -> bytes:
    """Return a client's WebSocket frame. ``length`` may declare more bytes than the payload has."""
    length = len(payload) if length is None else length
    size = bytes([min(length, 125) | mask << 7])
    if length > 125:
        size = struct.pack("!BH" if length < 65536 else "!BQ", 126 + (length > 65535) | mask << 7, length)
    return bytes([opcode | fin << 7]) + size + (bytes(4) if mask else b"") + payload


TEXT, BINARY, CLOSE, PING, RESERVED = 1, 2, 8, 9, 3
FRAMES = {
    "at once": b"",
    "after a text": frame(TEXT, b"hello"),
    "with a text and Close in one segment": frame(TEXT, b"hello") + frame(CLOSE, b"\x03\xe8"),
    "with texts and Close in one segment": frame(TEXT, b"hello") * 50 + frame(CLOSE, b"\x03\xe8"),
    "with Close": frame(CLOSE, b"\x03\xe8"),
    "with Close without a code": frame(CLOSE),
    "with a code that does not exist": frame(CLOSE, b"\x00\x01"),
    "with a reason that is not UTF-8": frame(CLOSE, b"\x03\xe8\xff"),
    "with invalid UTF-8": frame(TEXT, b"\xff\xfe"),
    "with invalid UTF-8 and Close in one segment": frame(TEXT, b"\xff\xfe") + frame(CLOSE, b"\x03\xe8"),
    "in a frame": frame(TEXT, b"half", length=100),
    "in a fragmented message": frame(TEXT, b"part", fin=False),
    "with Close in a fragmented message": frame(TEXT, b"part", fin=False) + frame(CLOSE, b"\x03\xe8"),
    "after a reserved opcode": frame(RESERVED, b"x"),
    "after a frame without a mask": frame(TEXT, b"hello", mask=False),
    "after a ping": frame(PING, b"x"),
    "after a message that is too large": frame(BINARY, bytes(LARGE)),
    "after two Close": frame(CLOSE, b"\x03\xe8") * 2,
}


def close(connection: socket.socket) -> None:
    """Send FIN, or RST if unread data is left."""
    connection.close()


def reset(connection: socket.socket) -> None:
    """Send RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def half_close(connection: socket.socket) -> None:
    """Send FIN, then read a little more of the answer."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(1)  # some servers answer only after they have the whole request
        connection.recv(100)
    connection.close()


WAYS: tuple[Callable[[socket.socket], None], ...] = (close, reset, half_close)


def moments(endpoint: Endpoint, prefix: str) -> Iterator[tuple[str, bytes, int, bytes]]:
    """Yield the moments at which a client disconnects: a name, the bytes to send, the number of reads, and the bytes to send after them."""
    head = endpoint.head(prefix)
    yield "in the request line", head[:10], 0, b""
    yield "in the headers", head[:-10], 0, b""
    if endpoint.body:
        yield "before the body", head, 0, b""
        yield "in the body", head + endpoint.body[:20_000], 0, b""
    yield "before the answer", head + endpoint.body, 0, b""
    yield "in the answer", head + endpoint.body, 1, b""
    if endpoint.socket:
        for name, frames in FRAMES.items():
            yield f"{name}, before the handshake is answered", head + frames, 0, b""
            yield name, head, 1, frames
    else:
        yield "later in the answer", head + endpoint.body, 3, b""


def leave(port: int, sent: bytes, reads: int, then: bytes, way: Callable[[socket.socket], None]) -> None:
    """Play one client that disconnects."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=READ_SECONDS)
    with suppress(OSError):  # the server may close first
        connection.sendall(sent)
        for _ in range(reads):
            connection.recv(100)
        connection.sendall(then)
    way(connection)

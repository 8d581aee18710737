"""WS /ws: echo on the ASGI services, and a plain answer where WebSocket is not available."""

import struct
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.departures import BINARY, TEXT, frame
from tests.stack import EVENT_LOOPS, SERVICES, Service

pytestmark = pytest.mark.smoke
FLASK = SERVICES[0]
FASTAPI, DJANGO = EVENT_LOOPS
LIMIT = 65_536  # bytes in a message, according to the contract
MESSAGES: list[str | bytes] = ["hello", "Grüße \U0001f6aa\x00", b"\x00\xff", "x" * LIMIT, b"y" * LIMIT]


def ws(service: Service, path: str = "/ws") -> ClientConnection:
    """Open a connection to the service."""
    return connect(f"{service.ws_url.removesuffix('/ws')}{path}", proxy=None, open_timeout=60, close_timeout=60)


@pytest.mark.parametrize("service", EVENT_LOOPS, ids=str)
@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: f"{type(message).__name__}-{len(message)}")
def test_a_message_comes_back(service: Service, message: str | bytes) -> None:
    with ws(service) as socket:
        socket.send(message)
        assert socket.recv(timeout=60) == message


@pytest.mark.parametrize("service", EVENT_LOOPS, ids=str)
def test_messages_come_back_in_order(service: Service) -> None:
    with ws(service) as socket:
        for number in range(100):
            socket.send(str(number))
        assert [socket.recv(timeout=60) for _ in range(100)] == [str(number) for number in range(100)]


@pytest.mark.parametrize("service", EVENT_LOOPS, ids=str)
def test_several_connections_at_once(service: Service) -> None:
    with ExitStack() as opened:
        sockets = [opened.enter_context(ws(service)) for _ in range(20)]
        for number, socket in enumerate(sockets):
            socket.send(f"to {number}")
        assert [socket.recv(timeout=60) for socket in reversed(sockets)] == [f"to {number}" for number in reversed(range(20))]
    assert {socket.close_code for socket in sockets} == {1000}


@pytest.mark.parametrize("message", ["", b""])
def test_an_empty_message(message: str | bytes) -> None:
    with ws(FASTAPI) as socket:
        socket.send(message)
        assert socket.recv(timeout=60) == message
    with ws(DJANGO) as socket:  # Daphne sends no empty message
        socket.send(message)
        socket.send("next")
        assert socket.recv(timeout=60) == "next"


@pytest.mark.parametrize("service", EVENT_LOOPS, ids=str)
def test_a_fragmented_message_is_one_message(service: Service) -> None:
    with ws(service) as socket:
        socket.send(["a", "b", "c"])
        assert socket.recv(timeout=60) == "abc"


@pytest.mark.parametrize("path", ["/ws", "/boards/1/chat"])
@pytest.mark.parametrize("service", EVENT_LOOPS, ids=str)
def test_a_message_beyond_the_limit_ends_the_connection(service: Service, path: str) -> None:
    """The close code gives the reason, however much of this message and of the following ones is still unread."""
    with ThreadPoolExecutor(15) as clients:  # each client waits for the server, which waits until the client stops sending
        assert set(clients.map(lambda behind: code_of(service, path, behind), [0, 1, 1_000_000] * 10)) == {1009}


def code_of(service: Service, path: str, behind: int) -> int | None:
    """Return the close code after a message that is too large and is followed by more bytes; ``None`` after a reset."""
    with ws(service, path) as socket:
        with suppress(OSError):
            socket.socket.sendall(frame(BINARY, bytes(LIMIT + 1)) + frame(BINARY, bytes(LIMIT)) * (behind // LIMIT))
            socket.socket.sendall(bytes(behind % LIMIT))
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                socket.recv(timeout=60)
    return closed.value.rcvd and closed.value.rcvd.code


@pytest.mark.parametrize("service", EVENT_LOOPS, ids=str)
def test_the_head_of_too_long_a_frame_is_enough(service: Service) -> None:
    with ws(service) as socket:
        socket.socket.sendall(struct.pack("!BBQI", 0x81, 0x80 | 127, LIMIT + 1, 0))  # RFC 6455, 5.2: text, masked with zeros
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=60)
    assert closed.value.rcvd
    assert closed.value.rcvd.code == 1009


@pytest.mark.parametrize("service", EVENT_LOOPS, ids=str)
def test_text_that_is_not_utf8_ends_the_connection(service: Service) -> None:
    with ws(service) as socket:
        socket.socket.sendall(frame(TEXT, b"\xff"))
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=60)
    assert closed.value.rcvd
    assert closed.value.rcvd.code == 1007


@pytest.mark.parametrize("path", ["/ws/", "/nothing", "/json", "/"])
def test_no_other_path_speaks_websocket(service: Service, path: str) -> None:
    with pytest.raises(InvalidStatus) as refused, ws(service, path):
        pass
    assert refused.value.response.status_code == {"/json": 200, "/": 200}.get(path, 404)


def test_wsgi_cannot() -> None:
    with pytest.raises(InvalidStatus) as refused, ws(FLASK):
        pass
    assert refused.value.response.status_code == 501
    assert b"WSGI cannot speak WebSocket" in (refused.value.response.body or b"")


def test_without_an_upgrade(client: httpx.Client, service: Service) -> None:
    answer = client.get(f"{service.url}/ws")
    assert answer.headers["Content-Type"] == "application/problem+json"
    if service.interface == "WSGI":
        assert answer.status_code == 501
    else:
        assert (answer.status_code, answer.headers["Upgrade"]) == (426, "websocket")

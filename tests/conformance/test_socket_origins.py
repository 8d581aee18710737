"""Which pages may open a socket: Nginx decides, so that all three services have the same policy."""

import json
import socket
import ssl
from http.client import HTTPResponse

import httpx
import pytest

from ops import trust
from tests.boards import made
from tests.stack import EVENT_LOOPS, HOST, PORT, SECURE_PORT, SERVICES, Service

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
# The scheme, the Host, and the Origin of a page that this host served.
OURS = [
    ("http", "localhost:8080", "http://localhost:8080"),
    ("http", "LOCALHOST:8080", "http://localhost:8080"),
    ("http", "localhost:8080", "HTTP://LocalHost:8080"),
    ("http", "localhost", "http://localhost"),
    ("http", "localhost:80", "http://localhost"),
    ("http", "127.0.0.1:8080", "http://127.0.0.1:8080"),
    ("http", "[::1]:8080", "http://[::1]:8080"),
    ("http", "[::1]", "http://[::1]:80"),
    ("https", "localhost:8443", "https://localhost:8443"),
    ("https", "localhost", "https://localhost"),
    ("https", "localhost:443", "https://localhost"),
    ("https", "[::1]:8443", "https://[::1]:8443"),
    ("http", "localhost:8080", None),
    ("https", "localhost:8443", None),
]
FOREIGN = [
    ("http", "localhost:8080", "null"),
    ("http", "localhost:8080", "file://"),
    ("http", "localhost:8080", "http://evil.example"),
    ("http", "localhost:8080", "https://localhost:8080"),
    ("http", "localhost:8080", "http://localhost"),
    ("http", "localhost:8080", "http://localhost:8081"),
    ("http", "localhost:8080", "http://localhost:80801"),
    ("http", "localhost:8080", "http://evil.localhost:8080"),
    ("http", "localhost:8080", "http://localhost:8080.evil.example"),
    ("http", "localhost:8080", "http://evil.example/http://localhost:8080"),
    ("http", "localhost", "http://localhost:443"),
    ("http", "localhost:443", "http://localhost"),
    ("http", "127.0.0.1:8080", "http://127a0.0.1:8080"),
    ("http", "[::1]:8080", "http://::1:8080"),
    ("https", "localhost:8443", "http://localhost:8443"),
    ("https", "localhost", "https://localhost:80"),
    ("https", "localhost:80", "https://localhost"),
    # Origins that no browser sends.
    ("http", "localhost:8080", "localhost:8080"),
    ("http", "localhost:8080", "http://localhost:8080/"),
    ("http", "localhost:8080", "http://localhost:8080, http://localhost:8080"),
    ("http", "localhost", "http://localhost:80:80"),
    ("http", "localhost:8080", "http://["),
    ("http", "localhost:8080", "http://localhost:x"),
    ("http", "localhost:8080", "x"),
    ("http", "localhost:8080", "x|1"),
    ("http", "localhost:8080", "\u00ff"),
    ("http", "localhost:8080", "http://" + "x" * 7000),
]


def handshake(path: str, scheme: str, host: str, *fields: str, port: int | None = None) -> tuple[int, str | None, bytes]:
    """Return the status, the type and the body of the answer to a handshake."""
    connection = socket.create_connection((HOST, port or (PORT if scheme == "http" else SECURE_PORT)), timeout=30)
    if scheme == "https":
        connection = ssl.create_default_context(cafile=trust.authority()).wrap_socket(connection, server_hostname="localhost")
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", *fields]
    with connection:
        connection.sendall("\r\n".join([*lines, f"Sec-WebSocket-Key: {KEY}", "\r\n"]).encode("latin-1"))
        with HTTPResponse(connection) as answer:
            answer.begin()
            return answer.status, answer.getheader("Content-Type"), b"" if answer.status == 101 else answer.read()


def refused(answer: tuple[int, str | None, bytes]) -> None:
    """Check that an answer is the contract's problem document."""
    status, content_type, body = answer
    assert (status, content_type) == (403, "application/problem+json")
    document = json.loads(body)
    assert (document["status"], document["title"]) == (403, "Forbidden")
    assert "SOCKET_ORIGINS" in document["detail"]


@pytest.mark.parametrize("service", SERVICES, ids=str)
@pytest.mark.parametrize(("scheme", "host", "origin"), OURS)
def test_our_own_pages_and_clients_that_are_no_browsers(service: Service, scheme: str, host: str, origin: str | None) -> None:
    status, _, _ = handshake(f"/{service}/ws", scheme, host, *([f"Origin: {origin}"] if origin else []))
    assert status == (101 if service in EVENT_LOOPS else 501)


@pytest.mark.parametrize("service", SERVICES, ids=str)
@pytest.mark.parametrize(("scheme", "host", "origin"), FOREIGN, ids=lambda value: str(value)[:40])
def test_pages_of_others(service: Service, scheme: str, host: str, origin: str) -> None:
    refused(handshake(f"/{service}/ws", scheme, host, f"Origin: {origin}"))


@pytest.mark.parametrize("service", SERVICES, ids=str)
def test_an_origin_that_comes_twice(service: Service) -> None:
    refused(handshake(f"/{service}/ws", "http", "localhost:8080", *["Origin: http://localhost:8080"] * 2))


@pytest.mark.parametrize("service", SERVICES, ids=str)
def test_a_board_cannot_be_read_over_a_visitors_socket(client: httpx.Client, service: Service) -> None:
    with made(client, service) as notice:
        path = f"/{service}/boards/{notice['board']}/chat"
        refused(handshake(path, "http", "localhost:8080", "Origin: http://evil.example"))
        status, _, _ = handshake(path, "http", "localhost:8080", "Origin: http://localhost:8080")
    assert status == (101 if service in EVENT_LOOPS else 501)


@pytest.mark.parametrize("service", SERVICES, ids=str)
@pytest.mark.parametrize("broken", ["Sec-WebSocket-Version: 12", "X-Origin: http://localhost:8080"])
def test_what_else_is_wrong_does_not_matter(service: Service, broken: str) -> None:
    refused(handshake(f"/{service}/ws", "http", "localhost:8080", broken, "Origin: null"))


@pytest.mark.parametrize("service", SERVICES, ids=str)
def test_other_requests_have_any_origin(client: httpx.Client, service: Service) -> None:
    assert client.get(f"{service.url}/json", headers={"Origin": "http://evil.example"}).status_code == 200

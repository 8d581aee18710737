"""How much one client can take from the others, behind an Nginx with production's limits."""

import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import httpx
import pytest

from runtime.local.plan import FOLDERS
from runtime.servers import free_port
from tests.local.conftest import Start
from tests.stack import SERVICES, Service
from tests.waiting import until

NOBODY = {"UNLIMITED_CLIENTS": ""}
ATTACKER, OTHER = "127.0.0.2", "127.0.0.3"  # all of 127.0.0.0/8 is this machine
REFUSED = b"HTTP/1.1 429"
CROWD = 30


@contextmanager
def crowd(base: str, request: bytes, addresses: list[str]) -> Iterator[list[socket.socket]]:
    """Open a connection from each address, and send the request on it."""
    port = int(base.rpartition(":")[2])
    with ExitStack() as stack:
        opened = []
        for address in addresses:
            one = stack.enter_context(socket.create_connection(("127.0.0.1", port), 10, (address, 0)))
            one.sendall(request)
            opened.append(one)
        yield opened


def answered(connections: list[socket.socket]) -> list[bytes]:
    """Return the first bytes of each answer that has arrived; requests in flight are left out."""
    found = []
    for one in connections:
        one.setblocking(False)
        with suppress(BlockingIOError):
            found.append(one.recv(12, socket.MSG_PEEK))
    return found


def from_address(address: str) -> httpx.Client:
    return httpx.Client(transport=httpx.HTTPTransport(local_address=address), timeout=60)


@pytest.mark.parametrize("service", SERVICES, ids=str)
def test_one_client_with_slow_requests_leaves_room_for_another(nginx: Start, service: Service) -> None:
    """Flask has four workers here. Requests of 30 s, within every other limit, would occupy all of them."""
    base = nginx(**NOBODY, FLASK_CLIENT_LIMIT="2")
    slow = f"GET /{service.name}/wait?seconds=30 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    with crowd(base, slow, [ATTACKER] * CROWD) as attacking, from_address(OTHER) as other:
        if service.name == "flask":
            until("all requests but two were refused", lambda: len(answered(attacking)) == CROWD - 2)
        assert [other.get(f"{base}/{service.name}/json").status_code for _ in range(20)] == [200] * 20
        assert set(answered(attacking)) <= {REFUSED}  # no slow request has ended


@pytest.mark.parametrize("service", SERVICES, ids=str)
def test_uploads_of_one_client_are_few(nginx: Start, service: Service) -> None:
    base = nginx(**NOBODY, UPLOAD_CLIENT_LIMIT="2")
    begun = f"POST /{service.name}/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nx".encode()
    with crowd(base, begun, [ATTACKER] * CROWD) as attacking, from_address(OTHER) as other:
        until("all uploads but two were refused", lambda: len(answered(attacking)) == CROWD - 2)
        assert set(answered(attacking)) == {REFUSED}
        assert other.post(f"{base}/{service.name}/upload", content=b"x" * 1000).json()["bytes"] == 1000


@pytest.mark.parametrize("service", SERVICES, ids=str)
def test_uploads_of_all_clients_together_are_bounded(nginx: Start, service: Service) -> None:
    """Nginx may have to store at most one upload's limit, multiplied by the number of places."""
    base = nginx(**NOBODY, UPLOAD_PLACES="3", DJANGO_UPLOAD_PLACES="3")
    begun = f"POST /{service.name}/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nx".encode()
    with crowd(base, begun, [f"127.0.1.{number}" for number in range(1, CROWD + 1)]) as attacking, from_address(OTHER) as other:
        until("all uploads but three were refused", lambda: len(answered(attacking)) == CROWD - 3)
        assert set(answered(attacking)) == {REFUSED}
        assert other.post(f"{base}/{service.name}/upload", content=b"x").status_code == 429
        assert other.get(f"{base}/{service.name}/json").status_code == 200


@pytest.mark.parametrize(
    ("path", "status", "profile"),
    [
        ("/healthz", 200, "development"),
        ("/page.json", 200, "development"),
        ("/anything", 308, "production"),
        ("/flask//json", 404, "development"),
        ("/flask/json%0A", 400, "development"),
        ("/.env", 404, "development"),
        ("/problem", 404, "development"),
        ("/refused/404", 404, "development"),
        ("/live/", 404, "production"),
        ("/results/", 404, "production"),
        ("/locust/", 404, "production"),
    ],
)
def test_an_answer_of_nginx_itself_counts_too(nginx: Start, path: str, status: int, profile: str) -> None:
    """Otherwise, a client could get as many of them as Nginx can make, and other clients would wait for its CPU time."""
    base = nginx(**NOBODY, RATE_LIMIT="1", RATE_BURST="5", PROFILE=profile, FRONT_PROXY="127.0.0.0/8")
    scheme = "http" if status == 308 else "https"

    def status_for(address: str) -> int:
        lines = [
            f"GET {path} HTTP/1.1",
            "Host: localhost",
            f"X-Forwarded-For: {address}",
            f"X-Forwarded-Proto: {scheme}",
            "Connection: close",
        ]
        with socket.create_connection(("127.0.0.1", int(base.rpartition(":")[2])), 10) as one:
            one.sendall("\r\n".join([*lines, "", ""]).encode())
            return int(one.recv(12)[9:])

    assert {status_for("192.0.2.1") for _ in range(12)} == {status, 429}
    assert status_for("192.0.2.2") == status


def test_a_method_that_does_not_exist_counts_too(nginx: Start) -> None:
    base = nginx(**NOBODY, RATE_LIMIT="1", RATE_BURST="5")
    with from_address(ATTACKER) as client:
        assert {client.request("BREW", f"{base}/flask/json").status_code for _ in range(12)} == {405, 429}


def test_requests_under_way_on_one_connection_are_bounded(nginx: Start) -> None:
    """Nginx announces it in its first frame, SETTINGS (RFC 9113, 6.5), and rejects a client that exceeds it."""
    port = free_port()
    nginx(NGINX_LISTEN_TLS=f"127.0.0.1:{port}", HTTP2_STREAMS="32")
    context = ssl.create_default_context(cafile=f"{FOLDERS['TLS_FOLDER']}/authority.pem")
    context.set_alpn_protocols(["h2"])
    with context.wrap_socket(socket.create_connection(("127.0.0.1", port), 10), server_hostname="localhost") as client:
        client.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
        received = b""
        while len(received) < 9 or len(received) < 9 + int.from_bytes(received[:3], "big"):
            received += client.recv(4096)
    assert received[3] == 4
    settings = received[9 : 9 + int.from_bytes(received[:3], "big")]
    assert (3, 32) in struct.iter_unpack("!HI", settings)  # SETTINGS_MAX_CONCURRENT_STREAMS

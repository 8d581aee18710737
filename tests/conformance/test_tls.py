"""HTTPS: real clients of each version and protocol, and hosts that are not ours."""

import http.client
import socket
import ssl
from collections.abc import Callable

import httpx
import pytest
import websockets.sync.client as websocket_client

from scripts import trust
from tests.stack import EVENT_LOOPS, HOST, PORT, SECURE_PORT, SERVICES, Service

SECURE = f"https://localhost:{SECURE_PORT}"


@pytest.fixture
def trusting() -> ssl.SSLContext:
    """A client's settings, with the authority of this stack in place of the system's. A client changes them, for HTTP/2 say."""
    return ssl.create_default_context(cafile=trust.authority())


@pytest.mark.parametrize(("http2", "version"), [(False, "HTTP/1.1"), (True, "HTTP/2")])
@pytest.mark.parametrize("service", SERVICES, ids=str)
def test_a_real_client_gets_an_answer(service: Service, http2: bool, version: str, trusting: ssl.SSLContext) -> None:
    with httpx.Client(verify=trusting, http2=http2) as client:
        answer = client.get(f"{SECURE}/{service.name}/json")
    assert (answer.status_code, answer.http_version) == (200, version)
    assert "Strict-Transport-Security" not in answer.headers  # it would bind every project on this host name


@pytest.mark.parametrize("service", EVENT_LOOPS, ids=str)
def test_a_websocket_over_tls(service: Service, trusting: ssl.SSLContext) -> None:
    with websocket_client.connect(f"wss://localhost:{SECURE_PORT}/{service.name}/ws", ssl=trusting) as client:
        client.send("through TLS")
        assert client.recv(timeout=5) == "through TLS"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions(version: ssl.TLSVersion, trusting: ssl.SSLContext) -> None:
    trusting.minimum_version = trusting.maximum_version = version
    with socket.create_connection((HOST, SECURE_PORT), 5) as raw, trusting.wrap_socket(raw, server_hostname="localhost") as found:
        assert found.version() == version.name.replace("_", ".")


def plain() -> http.client.HTTPConnection:
    return http.client.HTTPConnection(HOST, PORT, timeout=5)


def secure() -> http.client.HTTPConnection:
    context = ssl._create_unverified_context()
    return http.client.HTTPSConnection(HOST, SECURE_PORT, timeout=5, context=context)


@pytest.mark.parametrize("connect", [plain, secure])
@pytest.mark.parametrize("host", ["evil.example", "169.254.169.254", "localhost.evil.example"])
def test_another_host_is_closed_without_an_answer(connect: Callable[[], http.client.HTTPConnection], host: str) -> None:
    connection = connect()
    connection.request("GET", "/fastapi/json", headers={"Host": host})
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        connection.getresponse()

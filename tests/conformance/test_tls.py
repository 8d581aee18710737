"""HTTPS: real clients with each version and protocol, and requests for other hosts."""

import asyncio
import http.client
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import websockets.asyncio.client as websocket_client

from ops import trust
from tests import sslyze
from tests.stack import EVENT_LOOPS, HOST, PORT, SECURE_PORT, SERVICES, Service

SECURE = f"https://localhost:{SECURE_PORT}"


@pytest.fixture
def trusting() -> ssl.SSLContext:
    """Client settings that trust this stack's authority instead of the system's. A client changes them, for example for HTTP/2."""
    return ssl.create_default_context(cafile=trust.authority())


@pytest.mark.parametrize(("http2", "version"), [(False, "HTTP/1.1"), (True, "HTTP/2")])
@pytest.mark.parametrize("service", SERVICES, ids=str)
def test_a_real_client_gets_an_answer(service: Service, http2: bool, version: str, trusting: ssl.SSLContext) -> None:
    with httpx.Client(verify=trusting, http2=http2) as client:
        answer = client.get(f"{SECURE}/{service.name}/json")
    assert (answer.status_code, answer.http_version) == (200, version)
    assert "Strict-Transport-Security" not in answer.headers  # it would apply to every project on this host name


@pytest.mark.parametrize("service", EVENT_LOOPS, ids=str)
def test_a_websocket_over_tls(service: Service, trusting: ssl.SSLContext) -> None:
    # Not with the client that reads in its own thread. Before Python 3.13, there is no lock around a TLS connection that one thread reads
    # and another writes. Occasionally the request would never be sent.
    async def echo() -> str | bytes:
        url = f"wss://localhost:{SECURE_PORT}/{service.name}/ws"
        async with asyncio.timeout(60), websocket_client.connect(url, ssl=trusting) as client:
            await client.send("through TLS")
            return await client.recv()

    assert asyncio.run(echo()) == "through TLS"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions(version: ssl.TLSVersion, trusting: ssl.SSLContext) -> None:
    trusting.minimum_version = trusting.maximum_version = version
    with socket.create_connection((HOST, SECURE_PORT), 5) as raw, trusting.wrap_socket(raw, server_hostname="localhost") as found:
        assert found.version() == version.name.replace("_", ".")


def test_a_scanner_finds_mozillas_intermediate_profile(tmp_path: Path) -> None:
    """It also finds none of the weaknesses that it checks for."""
    authority = trust.authority()
    sentence, found = sslyze.scan(SECURE_PORT, "intermediate", authority, tmp_path)
    assert sentence == "OK - Compliant."
    assert not found["heartbleed"]["result"]["is_vulnerable_to_heartbleed"]
    assert not found["openssl_ccs_injection"]["result"]["is_vulnerable_to_ccs_injection"]
    assert not found["session_renegotiation"]["result"]["is_vulnerable_to_client_renegotiation_dos"]
    assert not found["tls_compression"]["result"]["supports_compression"]
    assert not found["tls_1_3_early_data"]["result"]["supports_early_data"]
    assert found["tls_fallback_scsv"]["result"]["supports_fallback_scsv"]
    assert found["tls_extended_master_secret"]["result"]["supports_ems_extension"]
    (deployment,) = found["certificate_info"]["result"]["certificate_deployments"]
    ours = [one for one in deployment["path_validation_results"] if "Supplied" in one["trust_store"]["name"]]
    assert [one["was_validation_successful"] for one in ours] == [True]


def plain() -> http.client.HTTPConnection:
    return http.client.HTTPConnection(HOST, PORT, timeout=60)


def secure() -> http.client.HTTPConnection:
    context = ssl._create_unverified_context()
    return http.client.HTTPSConnection(HOST, SECURE_PORT, timeout=60, context=context)


@pytest.mark.parametrize("connect", [plain, secure])
@pytest.mark.parametrize("host", ["evil.example", "169.254.169.254", "localhost.evil.example"])
def test_another_host_is_closed_without_an_answer(connect: Callable[[], http.client.HTTPConnection], host: str) -> None:
    connection = connect()
    connection.request("GET", "/fastapi/json", headers={"Host": host})
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        connection.getresponse()

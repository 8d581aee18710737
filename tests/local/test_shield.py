"""What Nginx keeps away from the services: a second Nginx in front of the same services, with production's values."""

import contextlib
import select
import socket
import ssl
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import pytest

from runtime.local.plan import FOLDERS
from runtime.servers import free_port
from tests import sslyze
from tests.local.conftest import Start, own_copy
from tests.measured import Measure
from tests.stack import EVENT_LOOPS, SERVICES, Service

NOBODY = {"UNLIMITED_CLIENTS": ""}


def client_from(address: str, **given: Any) -> httpx.Client:
    """Return a client with its own address: all of 127.0.0.0/8 is this machine."""
    return httpx.Client(transport=httpx.HTTPTransport(local_address=address, **given))


def at_once(number: int, client: httpx.Client, url: str, **given: Any) -> list[httpx.Response]:
    """Return the answers to ``number`` concurrent requests."""
    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(lambda _: client.get(url, **given), range(number)))


def test_a_client_that_asks_too_often_is_told_when_to_come_back(nginx: Start) -> None:
    base = nginx(**NOBODY, RATE_LIMIT="1", RATE_BURST="5")
    with client_from("127.0.0.2") as flooding, client_from("127.0.0.3") as other:
        began = time.monotonic()
        answers = at_once(20, flooding, f"{base}/fastapi/json")  # Flask allows a client fewer in flight
        took = time.monotonic() - began
        assert other.get(f"{base}/flask/json").status_code == 200
    counts = Counter(answer.status_code for answer in answers)
    assert set(counts) == {200, 429}
    assert 6 <= counts[200] <= 6 + took + 1  # the burst, one more, and one for each second that this took
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.headers["Retry-After"] == "1"
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.json()["title"] == "Too Many Requests"
    assert refused.headers["X-Content-Type-Options"] == "nosniff"


def test_the_addresses_of_an_ipv6_network_are_one_client(nginx: Start) -> None:
    """A provider's customer has 2^64 of them. Each IPv4 address is a separate client."""
    base = nginx(**NOBODY, RATE_LIMIT="1", RATE_BURST="5", FRONT_PROXY="127.0.0.1")

    def statuses(addresses: Iterable[str]) -> set[int]:
        with httpx.Client() as client:
            return {client.head(f"{base}/flask/json", headers={"X-Forwarded-For": address}).status_code for address in addresses}

    assert statuses(f"192.0.2.{number}" for number in range(1, 21)) == {200}
    assert statuses(f"2001:db8:0:{number:x}::1" for number in range(1, 21)) == {200}
    assert statuses(f"2001:db8::{number:x}:{number:x}" for number in range(1, 41)) == {200, 429}
    assert statuses(["2001:db8:0:ff::1"]) == {200}


def hurried(nginx: Start, http2: bool) -> list[httpx.Response]:
    """Return the answers to a client that sends one request after another on one connection, at a limit of one request a second."""
    port = free_port()
    nginx(**NOBODY, RATE_LIMIT="1", RATE_BURST="1", NGINX_LISTEN_TLS=f"127.0.0.1:{port}")
    trusting = ssl.create_default_context(cafile=f"{FOLDERS['TLS_FOLDER']}/authority.pem")
    with client_from("127.0.0.2", verify=trusting, http2=http2) as client:
        answers = [client.get(f"https://localhost:{port}/fastapi/json") for _ in range(8)]
    assert {answer.http_version for answer in answers} == {"HTTP/2" if http2 else "HTTP/1.1"}
    return answers


@pytest.mark.parametrize("http2", [False, True])
def test_a_client_that_does_not_wait_is_served_again(nginx: Start, http2: bool) -> None:
    """Each refusal takes about a second. If refusals came at once, all answers but the first two would be refusals."""
    assert [answer.status_code for answer in hurried(nginx, http2)].count(200) >= 4


@pytest.mark.measured
@pytest.mark.parametrize("http2", [False, True])
def test_a_refusal_takes_the_time_that_it_tells_to_wait(nginx: Start, http2: bool, measure: Measure) -> None:
    refused = [answer.elapsed.total_seconds() for answer in hurried(nginx, http2) if answer.status_code == 429]
    # With HTTP/2, the first refusal on a connection arrives sooner. On a slow machine there may be none.
    measure.that(bool(refused) and median(refused) > 0.9, f"refusals took {refused} s")


@pytest.mark.parametrize("service", EVENT_LOOPS, ids=str)
def test_a_client_with_too_much_under_way_is_refused(nginx: Start, service: Service) -> None:
    base = nginx(**NOBODY, CONNECTION_LIMIT="3")
    port = int(base.rpartition(":")[2])
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            busy = stack.enter_context(socket.create_connection(("127.0.0.1", port), 5, ("127.0.0.2", 0)))
            busy.sendall(f"GET /{service.name}/events?chunks=20&interval=1 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            assert busy.recv(12) == b"HTTP/1.1 200"  # it is in flight
        client, other = stack.enter_context(client_from("127.0.0.2")), stack.enter_context(client_from("127.0.0.3"))
        assert client.get(f"{base}/{service.name}/json").status_code == 429
        assert other.get(f"{base}/{service.name}/json").status_code == 200


def address_seen(base: str, service: Service, forwarded: str) -> str:
    return str(httpx.get(f"{base}/{service.name}/", headers={"X-Forwarded-For": forwarded}).json()["client"])


@pytest.mark.parametrize("service", SERVICES, ids=str)
@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("6.6.6.6, 203.0.113.7", "203.0.113.7"),  # the part that the client wrote comes first
        ("203.0.113.7, 127.0.0.9", "203.0.113.7"),  # two of our proxies in a row
        ("nonsense", "127.0.0.1"),
    ],
)
def test_the_clients_address_behind_another_proxy(nginx: Start, service: Service, forwarded: str, client: str) -> None:
    assert address_seen(nginx(FRONT_PROXY="127.0.0.0/24"), service, forwarded) == client


def test_only_the_proxy_is_believed(nginx: Start) -> None:
    assert address_seen(nginx(FRONT_PROXY="127.0.0.9"), SERVICES[0], "203.0.113.7") == "127.0.0.1"


def test_limits_are_of_the_client_and_not_of_the_proxy(nginx: Start) -> None:
    base = nginx(UNLIMITED_CLIENTS="127.0.0.0/8 1;", FRONT_PROXY="127.0.0.1", RATE_LIMIT="1", RATE_BURST="2")
    with httpx.Client() as proxy:
        answers = {
            client: at_once(count, proxy, f"{base}/flask/json", headers={"X-Forwarded-For": client})
            for client, count in (("203.0.113.7", 10), ("203.0.113.8", 2))
        }
    counts = {client: Counter(answer.status_code for answer in those) for client, those in answers.items()}
    assert counts["203.0.113.7"][429] >= 5
    assert counts["203.0.113.8"] == {200: 2}


class TestProduction:
    """PROFILE=production, as far as Nginx implements it."""

    @pytest.mark.parametrize("path", ["/", "/flask/json?a=b%20c", "/nothing", "/.git/config"])
    def test_http_leads_to_https_for_good(self, nginx: Start, path: str) -> None:
        answer = httpx.get(nginx(PROFILE="production", HTTPS_PORT="8443") + path)
        assert (answer.status_code, answer.headers["Location"]) == (308, f"https://127.0.0.1:8443{path}")
        assert "Strict-Transport-Security" not in answer.headers  # it has no effect over HTTP (RFC 6797, 7.2)

    def test_there_is_no_page_of_the_load_generator(self, nginx: Start) -> None:
        ask = {"headers": {"X-Forwarded-Proto": "https"}}
        assert httpx.get(nginx(FRONT_PROXY="127.0.0.1") + "/locust/", **ask).status_code == 502  # Locust is not running
        assert httpx.get(nginx(FRONT_PROXY="127.0.0.1", PROFILE="production") + "/locust/", **ask).status_code == 404

    def test_the_default_port_is_left_out(self, nginx: Start) -> None:
        answer = httpx.get(nginx(PROFILE="production", HTTPS_PORT="443") + "/a")
        assert answer.headers["Location"] == "https://127.0.0.1/a"

    def test_the_health_check_and_acme_stay_on_http(self, nginx: Start, tmp_path: Path) -> None:
        proof = tmp_path / "acme/.well-known/acme-challenge/token"
        proof.parent.mkdir(parents=True)
        proof.write_text("proof")
        base = nginx(PROFILE="production", ACME_FOLDER=str(tmp_path / "acme"))
        assert httpx.get(f"{base}/healthz").status_code == 200
        assert httpx.get(f"{base}/.well-known/acme-challenge/token").text == "proof"
        assert httpx.get(f"{base}/.well-known/acme-challenge/none").status_code == 404

    def test_https_binds_browsers_to_https(self, nginx: Start) -> None:
        port = free_port()
        nginx(PROFILE="production", NGINX_LISTEN_TLS=f"127.0.0.1:{port}")
        trusting = ssl.create_default_context(cafile=f"{FOLDERS['TLS_FOLDER']}/authority.pem")
        for path in ("/", "/nothing", "/flask/json"):
            answer = httpx.get(f"https://localhost:{port}{path}", verify=trusting)
            assert answer.headers["Strict-Transport-Security"] == "max-age=63072000"

    @pytest.mark.parametrize(("profile", "asked", "compliant"), [("modern", "modern", True), ("intermediate", "modern", False)])
    def test_the_modern_profile(self, nginx: Start, tmp_path: Path, profile: str, asked: str, compliant: bool) -> None:
        port = free_port()
        nginx(TLS_PROFILE=profile, NGINX_LISTEN_TLS=f"127.0.0.1:{port}")
        sentence, _ = sslyze.scan(port, asked, Path(FOLDERS["TLS_FOLDER"]) / "authority.pem", tmp_path)
        assert (sentence == "OK - Compliant.") is compliant

    def test_a_proxy_that_had_https_is_not_sent_there(self, nginx: Start) -> None:
        base = nginx(PROFILE="production", FRONT_PROXY="127.0.0.1")
        answer = httpx.get(f"{base}/flask/json", headers={"X-Forwarded-Proto": "https"})
        assert (answer.status_code, "Strict-Transport-Security" in answer.headers) == (200, True)

    def test_a_scanner_of_addresses_gets_no_handshake(self, nginx: Start) -> None:
        port = free_port()
        nginx(TLS_ONLY_BY_NAME="on", NGINX_LISTEN_TLS=f"127.0.0.1:{port}")
        context = ssl._create_unverified_context()
        with socket.create_connection(("127.0.0.1", port), 5) as raw, pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
            context.wrap_socket(raw, server_hostname="other.example")
        with socket.create_connection(("127.0.0.1", port), 5) as raw:
            context.wrap_socket(raw, server_hostname="localhost").close()


def hide_files(folder: Path) -> None:
    html = own_copy(folder / "html")
    for name in ("shown", ".env", ".git/config", ".well-known/other", ".well-known/acme-challenge/token"):
        (html / name).parent.mkdir(parents=True, exist_ok=True)
        (html / name).write_text("content")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/shown", 200),
        ("/.git/config", 404),
        ("/.env", 404),
        ("/.well-known/other", 404),
        ("/.well-known/acme-challenge/token", 404),  # the files for an ACME client are in another folder
        ("/flask/.env", 404),
    ],
)
def test_hidden_files_are_not_found(nginx: Start, path: str, status: int) -> None:
    assert httpx.get(nginx(hide_files) + path).status_code == status


def impatient(folder: Path) -> None:
    """Set each of Nginx's time-outs for slow clients to one second."""
    file = own_copy(folder / "http") / "limits.conf"
    text = file.read_text()
    for name, seconds in (("client_header_timeout", 10), ("client_body_timeout", 10), ("send_timeout", 30)):
        assert f"{name} {seconds}s;" in text
        text = text.replace(f"{name} {seconds}s;", f"{name} 1s;")
    file.write_text(text)


@pytest.mark.parametrize(
    "begun",
    [
        b"GET /flask/json HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        b"POST /flask/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nx",
    ],
    ids=["header", "body"],
)
def test_a_client_that_sends_too_slowly_is_left(nginx: Start, begun: bytes) -> None:
    port = int(nginx(impatient).rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), 8) as slow:
        slow.sendall(begun)
        with contextlib.suppress(ConnectionResetError):
            assert slow.recv(4096) == b""  # Nginx closes without an answer


def test_a_client_that_reads_nothing_is_left(nginx: Start) -> None:
    port = int(nginx(impatient).rpartition(":")[2])
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", port))
        slow.sendall(b"GET /static/gates.svg HTTP/1.1\r\nHost: localhost\r\n\r\n" * 500)
        waiting = select.poll()
        waiting.register(slow, select.POLLRDHUP)
        assert waiting.poll(8000), "it is still connected"

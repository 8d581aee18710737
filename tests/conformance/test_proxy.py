"""What Nginx does before a request reaches a service: everything that the stack relies on, observed from outside."""

import json
import socket
import uuid

import httpx
import pytest

from tests.stack import EVENT_LOOPS, HOST, PORT, SERVICES, TARGET, Service

each_service = pytest.mark.parametrize("service", SERVICES, ids=str)


def exchange(request: bytes, seconds: float = 5) -> bytes:
    """Send bytes unchanged, and read until the peer closes the connection or sends nothing for ``seconds``."""
    received = b""
    with socket.create_connection((HOST, PORT), timeout=seconds) as connection:
        connection.sendall(request)
        try:
            while part := connection.recv(65536):
                received += part
        except TimeoutError:
            pass
    return received


def client_address(service: Service, headers: dict[str, str]) -> str:
    """Return the client's address as the application sees it."""
    return str(httpx.get(f"{service.url}/", headers=headers).json()["client"])


@each_service
@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "True-Client-IP"])
def test_a_client_cannot_choose_its_address(service: Service, header: str) -> None:
    honest = client_address(service, {})
    assert client_address(service, {header: "6.6.6.6" if header != "Forwarded" else "for=6.6.6.6"}) == honest
    assert not honest.startswith("6.")


@each_service
@pytest.mark.parametrize(
    "header",
    [
        ("Daphne-Root-Path", "/evil"),
        ("X-Forwarded-Prefix", "/evil"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Ssl", "on"),
        ("X-Forwarded-Protocol", "ssl"),
        ("X-Forwarded-Port", "1"),
        ("Script-Name", "/evil"),
        ("SCRIPT_NAME", "/evil"),
        ("Proxy", "http://evil.example"),
    ],
    ids=lambda header: header[0],
)
def test_headers_that_a_server_would_trust_have_no_effect(service: Service, header: tuple[str, str]) -> None:
    response = httpx.get(f"{service.url}/json", headers=[header])
    assert (response.status_code, response.json()["message"]) == (200, "Hello, World!")
    # A server that trusted the mount point would strip it from the path, and find the rest.
    assert httpx.get(f"{service.url}/evil/json", headers=[header]).status_code == 404


@each_service
def test_only_websocket_can_be_upgraded_to(service: Service) -> None:
    """An upgrade to h2c would let requests bypass every rule of Nginx."""
    upgrade = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__"
    request = f"GET /{service.name}/json HTTP/1.1\r\nHost: localhost\r\n{upgrade}\r\n\r\n"
    assert exchange(request.encode(), seconds=1).startswith(b"HTTP/1.1 200 ")


@each_service
@pytest.mark.parametrize("path", ["/%66lask/json", "/flask/%2e%2e/{0}/json", "/x/../{0}/json", "//{0}/json"])
def test_a_prefix_that_is_written_in_another_way_is_not_found(service: Service, path: str) -> None:
    request = f"GET {path.format(service.name)} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert exchange(request.encode()).startswith(b"HTTP/1.1 404 ")


@each_service
def test_the_path_arrives_as_it_was_sent(service: Service) -> None:
    """If Nginx re-encoded the path, %2541 would become a different path from the client's."""
    response = httpx.get(f"{service.url}/hello/100%2525%20%C3%A9%3Fa")
    assert response.json() == {"message": "Hello, 100%25 é?a!"}


@pytest.mark.parametrize("path", ["/", "/nothing", "/flask/json", "/fastapi/nothing", "/django/wait", "/healthz"])
def test_security_headers_on_answers_and_on_errors(path: str) -> None:
    headers = httpx.get(TARGET + path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert len(headers.get_list("X-Request-ID")) == 1
    assert headers["Server"] == "nginx"


def test_an_answer_to_the_race_is_one_for_each_origin() -> None:
    """The page's race uses these host names, and only its own page may read the answer.

    A cache must not serve it to another origin.
    """
    by_race = httpx.get(f"{TARGET}/flask/json", headers={"Host": f"r0.localhost:{PORT}"})
    assert "Origin" in by_race.headers.get_list("Vary", split_commas=True)
    assert "Origin" not in httpx.get(f"{TARGET}/flask/json").headers.get_list("Vary", split_commas=True)


@each_service
def test_no_cache_keeps_what_a_service_answers(service: Service) -> None:
    """An answer with an ETag may be cached and revalidated. An answer that sets its own max-age is left alone."""
    for path in ("/json", "/nothing", "/wait", "/events?chunks=1&interval=0"):
        assert httpx.get(service.url + path).headers.get_list("Cache-Control") == ["no-store"], path
    made = httpx.post(f"{service.url}/boards", json={"name": uuid.uuid4().hex})
    board = httpx.get(f"{service.url}/boards/{made.json()['id']}")
    assert board.headers["ETag"]
    assert board.headers.get_list("Cache-Control") == ["no-cache"]
    assert httpx.get(f"{TARGET}/static/gates.svg").headers.get_list("Cache-Control") == ["max-age=3600"]


@pytest.mark.parametrize("service", EVENT_LOOPS, ids=str)
def test_json_is_compressed_and_streams_are_not(service: Service) -> None:
    document = {
        "id": str(uuid.uuid4()),
        "title": "t",
        "created": "2026-01-01T00:00:00Z",
        "items": [{"name": "n" * 90, "quantity": 1, "price": 1}] * 20,
    }
    assert httpx.post(f"{service.url}/echo", json=document).headers["Content-Encoding"] == "gzip"
    for path in ("/events?chunks=3&interval=0", "/stream?chunks=100&interval=0"):
        assert "Content-Encoding" not in httpx.get(service.url + path).headers


def test_static_files_come_from_nginx_alone() -> None:
    page = httpx.get(TARGET + "/")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "Two Gates" in page.text
    assert "Server-Timing" not in page.headers
    again = httpx.get(TARGET + "/", headers={"If-None-Match": page.headers["ETag"]})
    assert again.status_code == 304


def test_a_path_outside_the_services_is_a_problem_document() -> None:
    missing = httpx.get(TARGET + "/nothing")
    assert missing.headers["Content-Type"] == "application/problem+json"
    assert missing.json() == httpx.get(TARGET + "/flask/nothing").json() | {"status": 404}


@pytest.mark.parametrize("path", ["/nothing.svg", "/nothing.html", "/nothing.css", "/flask//nothing.svg"])
def test_a_problem_is_one_whatever_the_path_ends_in(path: str) -> None:
    missing = httpx.get(TARGET + path)
    assert (missing.status_code, missing.headers["Content-Type"]) == (404, "application/problem+json")


@each_service
def test_a_header_that_is_too_large_is_refused_by_nginx(service: Service) -> None:
    response = httpx.get(f"{service.url}/json", headers={"X-Big": "x" * 9000})
    assert (response.status_code, response.headers["Content-Type"]) == (431, "application/problem+json")
    assert "Server-Timing" not in response.headers
    long_line = httpx.get(f"{service.url}/hello/" + "x" * 9000)
    assert (long_line.status_code, long_line.json()["title"]) == (414, "URI Too Long")


@each_service
def test_nginx_and_the_services_use_the_same_words(service: Service) -> None:
    """Nginx rejects a body whose declared length is too large. A body of unknown length is counted while it is received."""
    declared = httpx.post(f"{service.url}/echo", content=b"x" * 70_000)
    counted = httpx.post(f"{service.url}/echo", content=(b"x" * 7_000 for _ in range(10)))
    assert declared.status_code == counted.status_code == 413
    assert declared.json() == counted.json()
    assert json.loads(declared.text)["detail"] == "The body is larger than 65536 bytes."

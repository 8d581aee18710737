"""The one static file: from each service, and from Nginx alone."""

import httpx
import pytest

from tests.conftest import ROOT
from tests.stack import TARGET, Service
from tests.wire import Request, Wire

BYTES = (ROOT / "services/shared/twogates/demo/static/gates.svg").read_bytes()
PATH = "/static/gates.svg"
WHOLE = {"Accept-Encoding": "identity"}


def test_a_service_has_the_file(client: httpx.Client, service: Service) -> None:
    answer = client.get(service.url + PATH, headers=WHOLE)
    assert (answer.status_code, answer.content) == (200, BYTES)
    assert (answer.headers["Content-Type"], answer.headers["Content-Length"]) == ("image/svg+xml", str(len(BYTES)))
    assert "Server-Timing" in answer.headers


def test_nginx_has_the_same_and_asks_no_service(client: httpx.Client) -> None:
    answer = client.get(TARGET + PATH, headers=WHOLE)
    assert (answer.status_code, answer.content) == (200, BYTES)
    assert (answer.headers["Content-Type"], answer.headers["Content-Length"]) == ("image/svg+xml", str(len(BYTES)))
    assert "Server-Timing" not in answer.headers


def test_head(client: httpx.Client, service: Service) -> None:
    for url in (service.url, TARGET):
        answer = client.head(url + PATH, headers=WHOLE)
        assert (answer.status_code, answer.headers["Content-Type"], answer.content) == (200, "image/svg+xml", b"")
        assert answer.headers["Content-Length"] == str(len(BYTES))


@pytest.mark.parametrize("header", [("Range", "bytes=0-3"), ("Range", "bytes=99999-"), ("Range", "x"), ("If-None-Match", "*")], ids=str)
def test_a_service_always_sends_the_whole(client: httpx.Client, service: Service, header: tuple[str, str]) -> None:
    answer = client.get(service.url + PATH, headers=[header, *WHOLE.items()])
    assert (answer.status_code, answer.content) == (200, BYTES)


def test_nginx_sends_it_again_only_when_it_has_changed(client: httpx.Client) -> None:
    answer = client.get(TARGET + PATH, headers=WHOLE)
    assert answer.headers["Cache-Control"] == "max-age=3600"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"  # the server block's headers are not lost
    for name, value in (("If-None-Match", answer.headers["ETag"]), ("If-Modified-Since", answer.headers["Last-Modified"])):
        assert client.get(TARGET + PATH, headers={name: value}).status_code == 304
    part = client.get(TARGET + PATH, headers={"Range": "bytes=0-3", **WHOLE})
    assert (part.status_code, part.content) == (206, BYTES[:4])


@pytest.mark.parametrize(
    "target",
    [
        *("/static", "/static/", "/static/x", "/static/gates.svg/", "/static/gates.svg.bak", "/static../nginx.conf"),
        *("/static/../nginx.conf", "/static/%2e%2e/nginx.conf", "/static/..%2fnginx.conf", "/static/gates.svg/../../nginx.conf"),
    ],
)
def test_nginx_has_no_other_file_there(target: str) -> None:
    answer = Wire().send(Request(target=target.encode()).encode(""))
    assert (answer.status, answer.content_type) == (404, "application/problem+json")

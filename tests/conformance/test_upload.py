"""POST /upload: a body of any size, counted and hashed."""

import hashlib
from collections.abc import Iterator

import httpx
import pytest

from tests.stack import SERVICES, Service
from tests.wire import Request, Wire

DJANGO = SERVICES[2]
MEGABYTE = 1_000_000


def described(body: bytes) -> dict[str, object]:
    return {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}


def pieces(size: int) -> Iterator[bytes]:
    """Yield ``size`` bytes in pieces of a megabyte, all different."""
    for number in range(0, size, MEGABYTE):
        yield (number.to_bytes(8, "big") * (MEGABYTE // 8))[: min(MEGABYTE, size - number)]


def announce(service: Service, size: int) -> httpx.Response:
    """Announce an upload of ``size`` bytes with Expect: 100-continue, and send no body."""
    request = Request(b"POST", b"/upload", ((b"Content-Length", str(size).encode()), (b"Expect", b"100-continue")))
    answer = Wire().send(request.encode(f"/{service}"))
    return httpx.Response(answer.status, content=answer.body, headers=dict(answer.headers.items()))


def limit_of(service: Service) -> int:
    """Return the most bytes that the service accepts, according to its own message."""
    refused = announce(service, 10**15)
    assert refused.status_code == 413
    return int(refused.json()["detail"].removeprefix("The body is larger than ").removesuffix(" bytes."))


@pytest.mark.parametrize("body", [b"", b"a", b"\x00\xff\r\n" * 1000, b"x" * 65_536, b"y" * 1_000_001], ids=len)
@pytest.mark.parametrize("chunked", [False, True], ids=["whole", "chunked"])
def test_counts_and_hashes(client: httpx.Client, service: Service, body: bytes, chunked: bool) -> None:
    answer = client.post(f"{service.url}/upload", content=iter([body[:100], body[100:]]) if chunked else body)
    assert (answer.status_code, answer.json()) == (200, described(body))


@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded", "multipart/form-data", "nonsense"])
def test_the_type_says_nothing(client: httpx.Client, service: Service, content_type: str) -> None:
    answer = client.post(f"{service.url}/upload", content=b"a=1&--x", headers={"Content-Type": content_type})
    assert (answer.status_code, answer.json()) == (200, described(b"a=1&--x"))


def test_a_body_byte_by_byte(service: Service) -> None:
    wire = Wire()
    head = Request(b"POST", b"/upload", ((b"Content-Length", b"20"),)).encode(f"/{service}")
    for byte in head + b"0123456789" * 2:
        wire.connect().sendall(bytes([byte]))
    assert wire.send(b"").status == 200


@pytest.mark.parametrize("service", SERVICES[:2], ids=str)
def test_fifty_megabytes(client: httpx.Client, service: Service) -> None:
    size, digest = 50 * MEGABYTE, hashlib.sha256()
    for piece in pieces(size):
        digest.update(piece)
    answer = client.post(f"{service.url}/upload", content=pieces(size), headers={"Content-Length": str(size)})
    assert answer.json() == {"bytes": size, "sha256": digest.hexdigest()}


def test_beyond_the_limit(service: Service) -> None:
    limit = limit_of(service)
    refused = announce(service, limit + 1)
    assert refused.status_code == 413
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.json() == {
        "type": "about:blank",
        "title": "Content Too Large",
        "status": 413,
        "detail": f"The body is larger than {limit} bytes.",
    }


def test_django_takes_exactly_its_limit(client: httpx.Client) -> None:
    limit = limit_of(DJANGO)
    assert limit < limit_of(SERVICES[1])
    assert client.post(f"{DJANGO.url}/upload", content=bytes(limit)).json() == described(bytes(limit))
    assert client.post(f"{DJANGO.url}/upload", content=bytes(limit + 1)).status_code == 413
    assert client.post(f"{DJANGO.url}/upload", content=iter([bytes(limit), b"x"])).status_code == 413

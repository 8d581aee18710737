"""X-Request-ID and Server-Timing, on every answer."""

import re
from uuid import uuid4

import httpx
import pytest

from tests.stack import Service
from tests.wire import Answer, Request, Wire

ID = re.compile(r"[A-Za-z0-9._-]{8,128}")
ANSWERS = ["/", "/json", "/hello/a", "/wait", "/nothing", "/echo", "/stream?chunks=1&interval=0", "/ws"]
HOSTILE = [
    *(b"", b"short", b"x" * 129, b"a" * 5000, b"with space", b"tab\tbetween", b'"quoted"', b"semi;colon", b"new%0d%0aline", b"{braces}"),
    *(b"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", b"<script>1</script>", b"../../etc/passwd", b"12345678, 87654321"),
]


def ids_of(service: Service, *values: bytes) -> tuple[Answer, list[str]]:
    """Return the answer to a request with these ids, and the ids in the answer."""
    answer = Wire().send(Request(target=b"/json", headers=tuple((b"X-Request-ID", value) for value in values)).encode(f"/{service}"))
    return answer, answer.headers.get_all("X-Request-ID") or []


@pytest.mark.parametrize("path", ANSWERS)
def test_an_id_is_made(client: httpx.Client, service: Service, path: str) -> None:
    ids = [client.get(service.url + path).headers.get_list("X-Request-ID") for _ in range(2)]
    assert all(len(one) == 1 and ID.fullmatch(one[0]) for one in ids)
    assert ids[0] != ids[1]


@pytest.mark.parametrize("request_id", [str(uuid4()), "A.b_c-1-", "x" * 128])
def test_a_valid_id_is_kept(service: Service, request_id: str) -> None:
    assert ids_of(service, request_id.encode())[1] == [request_id]


@pytest.mark.parametrize("request_id", HOSTILE)
def test_a_hostile_id_is_replaced(service: Service, request_id: bytes) -> None:
    answer, ids = ids_of(service, request_id)
    assert answer.status == 200
    assert len(ids) == 1
    assert ID.fullmatch(ids[0])
    assert ids[0].encode("latin-1") != request_id


def test_two_ids_are_replaced_by_one(service: Service) -> None:
    _, ids = ids_of(service, b"the-first-id", b"the-second-id")
    assert len(ids) == 1
    assert ids[0] not in ("the-first-id", "the-second-id")


@pytest.mark.parametrize(
    "line", [b"X-Request-ID: folded\r\n id-of-ours", b"X-Request-ID : spaced-name-1", b"X-Request-ID: carriage\rreturn"]
)
def test_a_malformed_header_adds_no_header(service: Service, line: bytes) -> None:
    request = Request(target=b"/json").encode(f"/{service}").replace(b"\r\n\r\n", b"\r\n" + line + b"\r\n\r\n")
    answer = Wire().send(request)
    assert answer.status in (200, 400)
    assert len(answer.headers.get_all("X-Request-ID") or []) == 1
    assert ID.fullmatch(answer.headers["X-Request-ID"])


@pytest.mark.parametrize("path", ANSWERS)
def test_server_timing_is_a_number(client: httpx.Client, service: Service, path: str) -> None:
    timings = client.get(service.url + path).headers.get_list("Server-Timing")
    assert len(timings) == 1
    assert re.fullmatch(r"app;dur=\d+\.\d{3}", timings[0])

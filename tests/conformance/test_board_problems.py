"""Invalid input on the notice board: all three services answer the same status and bytes, and change nothing."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.boards import made
from tests.conformance.answers import Wrong, answer_of_all, errors_of, problem
from tests.stack import SERVICES
from tests.wire import Request

JSON = (b"Content-Type", b"application/json")
SEEN = (b"If-Match", b'"1"')
LIMIT, AFTER = "a whole number from 1 to 100", "a whole number from 0 to 9223372036854775807"
NAME, WORDS = "text from 1 to 100 characters", "text from 1 to 2000 characters"
NOT_FOUND = {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "There is nothing at this path."}
KEY = "1 to 64 letters, digits, '.', '_' or '-'"
PATHS = ["/boards", "/boards/{board}", "/boards/{board}/messages", "/boards/{board}/messages/{message}"]
ALLOW = dict(zip(PATHS, ["GET, HEAD, POST", "DELETE, GET, HEAD, PUT"] * 2, strict=True))


@pytest.fixture(scope="module")
def notice(stack: None, client: httpx.Client) -> Iterator[dict[str, str]]:
    """A board with a message, which no test here may change."""
    with made(client, SERVICES[0]) as values:
        yield values
        for path in (PATHS[1], PATHS[3]):
            assert client.get(SERVICES[0].url + path.format(**values)).json()["version"] == 1
        assert client.get(SERVICES[0].url + PATHS[1].format(**values)).json()["messages"] == 1


QUERIES = [
    *(Wrong(f"/boards?limit={value}", {"limit": LIMIT}) for value in ("", "0", "101", "-1", "1.5", "x", "1&limit=", "9" * 5000)),
    *(Wrong(f"/boards?limit={value}", {"limit": LIMIT}) for value in ("+1", "%2B1", "%201", "1%20", "1_0", "01", "1.0", "%D9%A1")),
    *(Wrong(f"/boards?after={value}", {"after": AFTER}) for value in ("", "-1", "x", "9223372036854775808", "0.5", "%00")),
    Wrong("/boards?limit=x&after=y", {"after": AFTER, "limit": LIMIT}),
    Wrong("/boards?search=a", {"search": "the fields limit, after"}),
    *(Wrong(f"/boards/1/messages?search={value}", {"search": NAME}) for value in ("", "x" * 101, "%00", "a%00b")),
    Wrong("/boards/1/messages?find=a", {"find": "the fields limit, after, search"}),
    Wrong("/boards/x/messages?limit=0", {"limit": LIMIT}),
]


@pytest.mark.parametrize("wrong", QUERIES, ids=lambda wrong: wrong.target[:40])
def test_query(wrong: Wrong) -> None:
    document = problem(Request(target=wrong.target.encode()))
    assert document["status"] == 422
    assert errors_of(document, "query") == wrong.errors


@pytest.mark.parametrize("value", ["", "x" * 101, "a\x00b", "\ud800", "\udc00\ud800", 1, None, ["a"], True])
@pytest.mark.parametrize(("method", "path"), [("POST", PATHS[0]), ("PUT", PATHS[1])])
def test_name(notice: dict[str, str], method: str, path: str, value: object) -> None:
    document = sent(method, path.format(**notice), {"name": value})
    assert errors_of(document, "body") == {"name": NAME}


@pytest.mark.parametrize("value", ["", "x" * 2001, "\x00", "a\ud83d", 1.5, None, {"a": 1}])
@pytest.mark.parametrize(("method", "path"), [("POST", PATHS[2]), ("PUT", PATHS[3])])
def test_text(notice: dict[str, str], method: str, path: str, value: object) -> None:
    author = {"author": "Ada"} if method == "POST" else {}
    document = sent(method, path.format(**notice), {**author, "text": value})
    assert errors_of(document, "body") == {"text": WORDS}


@pytest.mark.parametrize(
    ("method", "path", "body", "errors"),
    [
        ("POST", PATHS[0], {}, {"name": NAME}),
        ("POST", PATHS[0], {"Name": "a"}, {"name": NAME, "Name": "the fields name"}),
        ("POST", PATHS[0], {"name": "a", "id": 1}, {"id": "the fields name"}),
        ("PUT", PATHS[1], {"name": "a", "version": 2}, {"version": "the fields name"}),
        ("POST", PATHS[2], {"author": "", "text": ""}, {"author": NAME, "text": WORDS}),
        ("POST", PATHS[2], {"author": "\ud800", "text": "\x00"}, {"author": NAME, "text": WORDS}),
        ("POST", PATHS[2], {"text": "a"}, {"author": NAME}),
        ("POST", PATHS[2], [], {"": "the fields author, text"}),
        ("PUT", PATHS[3], {"author": "Ben", "text": "a"}, {"author": "the fields text"}),
        ("PUT", PATHS[3], None, {"": "the fields text"}),
    ],
)
def test_fields(notice: dict[str, str], method: str, path: str, body: object, errors: dict[str, str]) -> None:
    assert errors_of(sent(method, path.format(**notice), body), "body") == errors


def sent(method: str, path: str, body: Any) -> dict[str, object]:
    """Return the 422 answer to a body."""
    document = problem(Request(method.encode(), path.encode(), (JSON, SEEN), json.dumps(body).encode()))
    assert document["status"] == 422
    return document


METHODS = ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


@pytest.mark.parametrize(("path", "method"), [(path, method) for path in PATHS for method in METHODS if method not in ALLOW[path]])
def test_wrong_method(notice: dict[str, str], path: str, method: str) -> None:
    answer = answer_of_all(Request(method.encode(), path.format(**notice).encode(), (JSON, SEEN), b"{}"))
    assert (answer.status, answer.headers["Allow"]) == (405, ALLOW[path])


@pytest.mark.parametrize("path", PATHS)
def test_head_is_get_without_a_body(notice: dict[str, str], path: str) -> None:
    head, get = (answer_of_all(Request(method, path.format(**notice).encode() + end)) for method, end in ((b"HEAD", b""), (b"GET", b"")))
    assert (head.status, head.body, head.headers["ETag"]) == (200, b"", get.headers["ETag"])
    assert head.headers["Content-Length"] == get.headers["Content-Length"]


IDS = [
    *("0", "-1", "+1", "00", "01", "1.0", "1e0", "0x1", "x", "1,2", "%20{board}", "{board}%20", "%D9%A1", "%EF%BC%91", "%C2%B2", "%FF"),
    *("9223372036854775807", "9223372036854775808", "9" * 19, "9" * 400, "null", "{board}%2F", "{board}/", "", "%7B%7D", "*"),
]


@pytest.mark.parametrize("method", [b"GET", b"DELETE"])
@pytest.mark.parametrize("id_", IDS)
def test_what_cannot_be_an_id_is_not_found(notice: dict[str, str], id_: str, method: bytes) -> None:
    odd = id_.format(**notice)
    paths = [f"/boards/{odd}", f"/boards/{notice['board']}/messages/{odd}", f"/boards/{odd}/messages/{notice['message']}"]
    for path in paths:
        assert problem(Request(method, path.encode(), (SEEN,))) == NOT_FOUND


def test_a_message_is_on_its_own_board_alone(notice: dict[str, str], client: httpx.Client) -> None:
    with made(client, SERVICES[1]) as other:
        for method in (b"GET", b"DELETE"):
            assert problem(Request(method, PATHS[3].format(**notice | {"board": other["board"]}).encode(), (SEEN,))) == NOT_FOUND


@pytest.mark.parametrize(
    "values",
    [
        *([value] for value in (b"a b", b"x" * 65, b'"', b'""', b'"a', b'a"', b"'a'", b"a/b", b"\xff", b"\xc3\xa4", b"*", b"a;b", b"a\tb")),
        [b"a", b"b"],
        [b"a", b"a"],
        [b"", b"a b"],
        [b""],
        [b" "],
        [b"", b""],
        [b"a", b""],
        [b"", b"a"],
    ],
)
@pytest.mark.parametrize("path", [PATHS[0], PATHS[2]])
def test_idempotency_key(notice: dict[str, str], path: str, values: list[bytes]) -> None:
    headers = tuple((b"Idempotency-Key", value) for value in values)
    body = {PATHS[0]: {"name": "a"}, PATHS[2]: {"author": "Ada", "text": "a"}}[path]
    document = problem(Request(b"POST", path.format(**notice).encode(), (JSON, *headers), json.dumps(body).encode()))
    assert document["status"] == 422
    assert errors_of(document, "header") == {"Idempotency-Key": KEY}


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ([], 428),
        ([b""], 428),
        *(([value], 412) for value in (b'"2"', b"1", b'""', b'"', b'"1', b"W/1", b'"01"', b'" 1"', b'"\xb9"', b"\xff", b'"0", "2"', b"**")),
        *(([value], 412) for value in (b'x"1"', b'"1"x', b'"0""1"', b'"0" "1"', b'"1";', b'w/"1"', b'*, "1"', b'"1", *')),
    ],
)
@pytest.mark.parametrize("method", [b"PUT", b"DELETE"])
@pytest.mark.parametrize("path", [PATHS[1], PATHS[3]])
def test_if_match(notice: dict[str, str], path: str, method: bytes, values: list[bytes], status: int) -> None:
    headers = tuple((b"If-Match", value) for value in values)
    body = json.dumps({"name": "a"} if path == PATHS[1] else {"text": "a"}).encode()
    answer = answer_of_all(Request(method, path.format(**notice).encode(), (JSON, *headers), body))
    assert (answer.status, answer.headers["ETag"]) == (status, '"1"' if status == 412 else None)


@pytest.mark.parametrize(
    ("values", "status"),
    [
        *(([value], 304) for value in (b'"1"', b'W/"1"', b"*", b'"0", W/"1"', b'"0","1"', b' "1" ', b'"1",', b', ,"0" ,, "1"')),
        *(([value], 200) for value in (b"", b'"2"', b"1", b'"', b"\xff", b'""', b'x"1"', b'"0" "1"', b"*,*")),
    ],
)
@pytest.mark.parametrize("path", [PATHS[1], PATHS[3]])
def test_if_none_match(notice: dict[str, str], path: str, values: list[bytes], status: int) -> None:
    headers = tuple((b"If-None-Match", value) for value in values)
    answer = answer_of_all(Request(b"GET", path.format(**notice).encode(), headers))
    assert (answer.status, answer.headers["ETag"], bool(answer.body)) == (status, '"1"', status == 200)


@pytest.mark.parametrize("header", [b"If-Match", b"If-None-Match"])
def test_a_header_of_tags_comes_once(notice: dict[str, str], header: bytes) -> None:
    twice = ((header, b'"1"'), (header, b'"2"'))
    assert problem(Request(b"GET", PATHS[1].format(**notice).encode(), twice))["status"] == 400

"""Small answers: JSON, text from the path, and the result of a computation."""

import hashlib
from urllib.parse import quote

import httpx
import pytest

from tests.stack import Service

NAMES = [
    "World",
    "a b",
    "Grüße",
    "日本語",
    "\U0001f6aa\U0001f6aa",
    "e\u0301",
    "\u202eabc",
    "<script>",
    "\"\\'",
    "a+b",
    "100%",
    "?a=1&b#c",
    "%41",
]


def test_json_is_the_same_bytes_everywhere(client: httpx.Client, service: Service) -> None:
    answer = client.get(f"{service.url}/json")
    assert answer.content == b'{"message":"Hello, World!","numbers":[1,2,3],"nested":{"ok":true,"nothing":null}}'
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Content-Length"] == str(len(answer.content))


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_hello_gives_back_the_name(client: httpx.Client, service: Service, name: str) -> None:
    answer = client.get(f"{service.url}/hello/{quote(name, safe='')}")
    assert answer.json() == {"message": f"Hello, {name}!"}
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"  # so that no browser interprets a name as HTML


def test_hello_replaces_bytes_that_are_not_utf_8(client: httpx.Client, service: Service) -> None:
    assert client.get(f"{service.url}/hello/%FFa%C3").json() == {"message": "Hello, \ufffda\ufffd!"}


@pytest.mark.parametrize("name", ["", "a%2Fb", "a/b", "a/"])
def test_hello_takes_one_segment(client: httpx.Client, service: Service, name: str) -> None:
    assert client.get(f"{service.url}/hello/{name}").status_code == 404


@pytest.mark.parametrize("name", ["a%00", "%0A", "a%0Ab", "%7F"])
def test_hello_takes_no_control_character(client: httpx.Client, service: Service, name: str) -> None:
    assert client.get(f"{service.url}/hello/{name}").status_code == 400


@pytest.mark.parametrize("work", [1, 7])
def test_work_has_one_result(client: httpx.Client, service: Service, work: int) -> None:
    digest = b"two gates"
    for _ in range(1000 * work):
        digest = hashlib.sha256(digest).digest()
    assert client.get(f"{service.url}/cpu", params={"work": work}).json() == {"work": work, "digest": digest.hex()}

"""POST /echo: returns a validated JSON document, complete and in one canonical form."""

import json
from typing import Any

import httpx
import pytest

from tests.stack import Service

MINIMAL: dict[str, Any] = {
    "id": "7b0bdb8e-2f3c-4d7b-9d4f-0c9a5f1f2a11",
    "title": "Two Gates",
    "created": "2026-01-02T03:04:05Z",
    "items": [{"name": "ticket", "quantity": 2, "price": 9.5}],
}
FULL: dict[str, Any] = {
    **MINIMAL,
    "title": 'Grüße \U0001f6aa \u202e "\\ \u0000 </script>',
    "created": "2026-01-02T03:04:05.678901+05:30",
    "urgent": True,
    "note": "日本語",
    "tags": ["a", "b" * 200],
    "items": [{"name": str(number), "quantity": 1_000_000, "price": 0.1} for number in range(100)],
}


def test_a_whole_document_comes_back(client: httpx.Client, service: Service) -> None:
    answer = client.post(f"{service.url}/echo", json=FULL)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == FULL
    assert list(answer.json()) == ["id", "title", "created", "urgent", "note", "tags", "items"]


def test_what_is_optional_gets_its_default(client: httpx.Client, service: Service) -> None:
    assert client.post(f"{service.url}/echo", json=MINIMAL).json() == {**MINIMAL, "urgent": False, "note": None, "tags": []}


def test_values_come_back_in_one_form(client: httpx.Client, service: Service) -> None:
    sent = {
        **MINIMAL,
        "created": "2026-01-02T03:04:05.5+00:00",
        "items": [{"name": "n", "quantity": 2.0, "price": 3}],
    }
    answer = client.post(f"{service.url}/echo", json=sent).text
    assert '"id":"7b0bdb8e-2f3c-4d7b-9d4f-0c9a5f1f2a11"' in answer
    assert '"created":"2026-01-02T03:04:05.500000Z"' in answer
    assert '"quantity":2,' in answer
    assert '"price":3.0' in answer


@pytest.mark.parametrize(
    "created", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00+23:59", "2024-02-29T23:59:59-23:59"]
)
def test_every_moment_that_is_accepted_comes_back_as_it_was(client: httpx.Client, service: Service, created: str) -> None:
    answer = client.post(f"{service.url}/echo", json={**MINIMAL, "created": created})
    assert (answer.status_code, answer.json()["created"]) == (200, created)


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.gates+json"])
def test_any_json_type_is_taken(client: httpx.Client, service: Service, content_type: str) -> None:
    answer = client.post(f"{service.url}/echo", content=json.dumps(MINIMAL), headers={"Content-Type": content_type})
    assert answer.status_code == 200


def test_a_body_in_chunks(client: httpx.Client, service: Service) -> None:
    body = json.dumps(MINIMAL).encode()
    answer = client.post(f"{service.url}/echo", content=iter([body[:10], body[10:]]), headers={"Content-Type": "application/json"})
    assert answer.json()["title"] == "Two Gates"


@pytest.mark.parametrize("chunked", [False, True])
def test_the_limit_is_exact(client: httpx.Client, service: Service, chunked: bool) -> None:
    def post(size: int) -> httpx.Response:
        body = json.dumps(MINIMAL).ljust(size).encode()
        headers = {"Content-Type": "application/json"}
        return client.post(f"{service.url}/echo", content=iter([body]) if chunked else body, headers=headers)

    refused = post(10_000_000)
    assert refused.status_code == 413
    limit = int(refused.json()["detail"].removeprefix("The body is larger than ").removesuffix(" bytes."))
    assert post(limit).status_code == 200
    assert post(limit + 1).content == refused.content

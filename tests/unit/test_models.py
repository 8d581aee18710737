"""Which input the endpoints accept."""

import json
from typing import Any

import pytest

from twogates.demo.models import BlockQuery, CpuQuery, Document, StreamQuery, UpstreamQuery, WaitQuery
from twogates.http.models import Query, is_json
from twogates.http.problems import Problem

DOCUMENT: dict[str, Any] = {
    "id": "7b0bdb8e-2f3c-4d7b-9d4f-0c9a5f1f2a11",
    "title": "t",
    "created": "2026-01-01T00:00:00Z",
    "items": [{"name": "n", "quantity": 1, "price": 2.5}],
}


@pytest.mark.parametrize(
    ("model", "query", "values"),
    [
        (WaitQuery, "seconds=0", {"seconds": 0}),
        (WaitQuery, b"seconds=30", {"seconds": 30}),
        (WaitQuery, "seconds=9&seconds=1", {"seconds": 1}),
        (WaitQuery, "%73econds=%30%2E5", {"seconds": 0.5}),
        (BlockQuery, "seconds=1", {"seconds": 1, "offload": False}),
        (BlockQuery, "offload=true&seconds=1", {"seconds": 1, "offload": True}),
        (BlockQuery, b"seconds=1&offload=true&offload=%66alse", {"seconds": 1, "offload": False}),
        (CpuQuery, "work=1000", {"work": 1000}),
        (UpstreamQuery, "seconds=1.5&calls=20", {"seconds": 1.5, "calls": 20}),
        (UpstreamQuery, "seconds=1", {"seconds": 1, "calls": 1}),
        (StreamQuery, "", {"chunks": 10, "interval": 0.1}),
        (StreamQuery, "chunks=10000&interval=0.003", {"chunks": 10_000, "interval": 0.003}),
    ],
)
def test_accepted_queries(model: type[Query], query: str | bytes, values: dict[str, float]) -> None:
    assert model.read(query).model_dump() == values


@pytest.mark.parametrize(
    ("model", "query", "fields"),
    [
        (WaitQuery, "", ["seconds"]),
        (WaitQuery, "seconds", ["seconds"]),
        (WaitQuery, "seconds=30.0000001", ["seconds"]),
        (WaitQuery, "seconds=nan", ["seconds"]),
        (WaitQuery, "seconds=0;seconds=1", ["seconds"]),
        (WaitQuery, b"seconds=\xff", ["seconds"]),
        (WaitQuery, "seconds=0&Seconds=0", ["Seconds"]),
        (WaitQuery, "seconds=0&offload=true", ["offload"]),
        *((BlockQuery, f"seconds=0&offload={word}", ["offload"]) for word in ("", "1", "0", "yes", "True", "+true", "false%00", "t")),
        (CpuQuery, "work=1.5", ["work"]),
        (CpuQuery, "work=" + "9" * 5000, ["work"]),
        (UpstreamQuery, "seconds=1.51&calls=20", [""]),
        (StreamQuery, "chunks=301", [""]),
        (StreamQuery, "chunks=0&interval=x&y=", ["chunks", "interval", "y"]),
    ],
)
def test_refused_queries(model: type[Query], query: str | bytes, fields: list[str]) -> None:
    with pytest.raises(Problem) as refused:
        model.read(query)
    assert refused.value.status == 422
    assert [error["field"] for error in refused.value.extra["errors"]] == fields


def test_a_document() -> None:
    assert Document.read(json.dumps(DOCUMENT).encode(), "application/json").title == "t"


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{}", None, 415),
        (b"{}", "text/plain", 415),
        (b"", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"1" * 5000, "application/json", 400),
        (b"{}", "application/json", 422),
        (b"null", "application/json", 422),
        (json.dumps({**DOCUMENT, "title": "\ud800"}).encode(), "application/json", 422),
        (json.dumps({**DOCUMENT, "items": [{"name": "n", "quantity": "1", "price": 1}]}).encode(), "application/json", 422),
        (json.dumps({**DOCUMENT, "items": [{"name": "n", "quantity": 1, "price": float("inf")}]}).encode(), "application/json", 422),
    ],
)
def test_refused_documents(body: bytes, content_type: str | None, status: int) -> None:
    with pytest.raises(Problem) as refused:
        Document.read(body, content_type)
    assert refused.value.status == status


@pytest.mark.parametrize("header", ["application/json", "APPLICATION/JSON;charset=utf-8", "application/problem+json", " application/json "])
def test_json_types(header: str) -> None:
    assert is_json(header)


@pytest.mark.parametrize(
    "header", [None, "", "json", "text/json", "application/jsonp", "application/json/x", "application/json, text/plain"]
)
def test_other_types(header: str | None) -> None:
    assert not is_json(header)

"""Streamed responses, through Nginx, delivered as the service produces them."""

import time

import httpx
import pytest

from tests.stack import EARLY, Service

pytestmark = pytest.mark.smoke
# 30 seconds in total, the longest that the contract allows.
PIECES, INTERVAL = 100, 0.3


def events(body: str) -> list[dict[str, str]]:
    """Return the events of a text/event-stream, each as its fields."""
    return [dict(line.split(": ", 1) for line in event.split("\n")) for event in body.split("\n\n") if event]


def expected(first: int, last: int) -> list[dict[str, str]]:
    return [{"id": str(number), "data": f'{{"event":{number},"of":{last}}}'} for number in range(first, last + 1)]


@pytest.mark.parametrize(("path", "start"), [("/stream", "chunk "), ("/events", "id: ")])
def test_pieces_arrive_one_by_one(client: httpx.Client, service: Service, path: str, start: str) -> None:
    """A client reads the first of many pieces long before the last one exists, and none before it is due."""
    sent = time.monotonic()
    with client.stream("GET", service.url + path, params={"chunks": PIECES, "interval": INTERVAL}) as answer:
        pieces = (line for line in answer.iter_lines() if line.startswith(start))
        for number in range(4):
            next(pieces)
            assert time.monotonic() - sent >= number * (INTERVAL - EARLY)
        assert time.monotonic() - sent < (PIECES - 1) * (INTERVAL - EARLY), "the pieces came together at the end"


def test_stream(client: httpx.Client, service: Service) -> None:
    answer = client.get(f"{service.url}/stream", params={"chunks": 3, "interval": 0})
    assert answer.text == "chunk 1 of 3\nchunk 2 of 3\nchunk 3 of 3\n"
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"


def test_stream_of_the_most_chunks(client: httpx.Client, service: Service) -> None:
    lines = client.get(f"{service.url}/stream", params={"chunks": 10_000, "interval": 0}).text.splitlines()
    assert lines == [f"chunk {number} of 10000" for number in range(1, 10_001)]


def test_events(client: httpx.Client, service: Service) -> None:
    answer = client.get(f"{service.url}/events", params={"chunks": 3, "interval": 0})
    assert events(answer.text) == expected(1, 3)
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("last", "first"), [("", 1), ("0", 1), ("2", 3), ("4", 5), ("5", 6), ("999999999", 6)])
def test_events_go_on_after_the_last_one_seen(client: httpx.Client, service: Service, last: str, first: int) -> None:
    answer = client.get(f"{service.url}/events", params={"chunks": 5, "interval": 0}, headers={"Last-Event-ID": last})
    assert answer.status_code == 200
    assert events(answer.text) == expected(first, 5)


@pytest.mark.parametrize("last", ["x", "00", "007", "-1", "1.0", "+1", "1 2", "1_0", "9999999999", "null"])
def test_an_id_that_no_event_has_is_refused(client: httpx.Client, service: Service, last: str) -> None:
    answer = client.get(f"{service.url}/events", params={"chunks": 1, "interval": 0}, headers={"Last-Event-ID": last})
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert [(error["in"], error["field"], error["accepted"]) for error in answer.json()["errors"]] == [
        ("header", "Last-Event-ID", "a whole number from 0 to 999999999")
    ]


def test_a_client_may_leave_in_the_middle(client: httpx.Client, service: Service) -> None:
    for _ in range(20):  # more than there are sync workers
        with client.stream("GET", f"{service.url}/stream", params={"chunks": 300, "interval": 0.1}) as answer:
            next(answer.iter_lines())
    assert client.get(f"{service.url}/json").status_code == 200

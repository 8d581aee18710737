"""Nginx's log lines, assigned to the cells they belong to."""

import json
from typing import Any

import pytest

from loadtest.engine.nginx_log import logged, shares


def line(request_id: str, status: int = 200, app: str = "app;dur=100.5", upstream: str = "127.0.0.1:8101") -> str:
    entry: dict[str, Any] = {"time": "2026-11-21T10:00:00+00:00", "request_id": request_id, "status": status, "app": app}
    entry["upstream"] = upstream
    return json.dumps(entry, separators=(",", ":")) + "\n"


def test_lines_are_counted_by_cell_and_status() -> None:
    """Cell 1 has two workers (0 and 1) and two loads (0 and 1 after the dot); cell 2 has one of each."""
    marks = ["0000001r0.0-1", "0000001r0.1-2", "0000001r1.0-3", "0000002r0.0-4", "0000001r0.0-5"]
    text = "".join([line(mark) for mark in marks[:4]] + [line(marks[4], 503)])
    found = logged(text)
    assert set(found) == {"0000001r", "0000002r"}
    assert found["0000001r"].statuses == {200: 3, 503: 1}
    assert found["0000002r"].statuses == {200: 1}


def test_the_applications_own_time() -> None:
    text = "".join([line("0000001r0.0-1", app="app;dur=100.5"), line("0000001r0.0-2", app="app;dur=99.5"), line("0000001r0.0-3", app="")])
    (found,) = logged(text).values()
    assert found.app_seconds == pytest.approx(0.2)
    assert found.timed == 2
    assert found.statuses == {200: 3}


def test_other_lines_belong_to_no_cell() -> None:
    text = "".join(["2026/11/21 10:00:00 [notice] 7#7: start\n", line("b9b1d4c0f0"), "\n", "{}\n"])
    assert logged(text) == {}


def test_a_line_that_is_half_written_is_read_when_it_is_whole() -> None:
    """Nginx writes its buffer when it is full, which is not at the end of a line."""
    text = line("0000001r0.0-1") + line("0000001r0.0-2")
    for end in range(len(text)):
        found = logged(text[:end])
        assert sum(sum(lines.statuses.values()) for lines in found.values()) == text[:end].count("\n")


def test_who_answered_is_the_last_that_was_asked() -> None:
    """The upstream that answered is the last one tried, also in a retry after Nginx gave up. Nginx's own answers have no upstream."""
    asked = ["10.0.0.1:8000", "10.0.0.2:8000", "10.0.0.1:8000, 10.0.0.2:8000", "10.0.0.1:8000 : 10.0.0.2:8000", ""]
    (found,) = logged("".join(line(f"0000001r0.0-{number}", upstream=upstream) for number, upstream in enumerate(asked))).values()
    assert found.answered == {"10.0.0.1:8000": 1, "10.0.0.2:8000": 3}
    assert found.again == 2
    assert shares(found, ["10.0.0.1:8000", "10.0.0.2:8000", "10.0.0.3:8000"]) == {"share_1": 25, "share_2": 75, "share_3": 0}
    assert shares(found, ["10.0.0.1:8000"]) == {}

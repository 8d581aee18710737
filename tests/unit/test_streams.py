"""The pieces of a stream."""

import pytest

from twogates.demo.streams import chunk, event, first_event
from twogates.http.problems import Problem


def test_pieces() -> None:
    assert chunk(1, 3) == b"chunk 1 of 3\n"
    assert event(2, 3) == b'id: 2\ndata: {"event":2,"of":3}\n\n'


@pytest.mark.parametrize(("last", "first"), [(None, 1), ("", 1), ("0", 1), ("7", 8), ("999999999", 1_000_000_000)])
def test_a_stream_goes_on_after_the_last_event(last: str | None, first: int) -> None:
    assert first_event(last) == first


@pytest.mark.parametrize("last", ["x", "00", "007", "-1", "1.5", " 1", "\u0661", "\u00b2", "9999999999", "1\n"])
def test_no_event_has_this_id(last: str) -> None:
    with pytest.raises(Problem) as refused:
        first_event(last)
    assert (refused.value.status, refused.value.extra["errors"][0]["field"]) == (422, "Last-Event-ID")

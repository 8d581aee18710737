"""The chunks that ``/stream`` and ``/events`` send."""

from twogates.http.notations import whole_in_header
from twogates.http.problems import header_problem

LARGEST_EVENT = 999_999_999

STREAM_TYPE = "text/plain; charset=utf-8"


def chunk(number: int, chunks: int) -> bytes:
    """Return one line of ``/stream``."""
    return f"chunk {number} of {chunks}\n".encode()


def event(number: int, chunks: int) -> bytes:
    """Return one server-sent event. A client that reconnects sends its id back."""
    return f'id: {number}\ndata: {{"event":{number},"of":{chunks}}}\n\n'.encode()


def first_event(last_event_id: str | None) -> int:
    """Return the number of the first event: 1, or the one after the ``Last-Event-ID`` of a client that reconnects."""
    if not last_event_id:
        return 1
    if (number := whole_in_header(last_event_id, LARGEST_EVENT)) is not None:
        return number + 1
    raise header_problem("Last-Event-ID", "Not the id of an event", f"a whole number from 0 to {LARGEST_EVENT}")

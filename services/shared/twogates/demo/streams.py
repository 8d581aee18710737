"""What ``/stream`` and ``/events`` send, piece by piece."""

from twogates.http.notations import whole_in_header
from twogates.http.problems import header_problem

LARGEST_EVENT = 999_999_999

STREAM_TYPE = "text/plain; charset=utf-8"
EVENTS_TYPE = "text/event-stream"
# Nginx obeys X-Accel-Buffering: without it, a slow stream may reach the client in one piece at its end.
STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def chunk(number: int, chunks: int) -> bytes:
    """One line of ``/stream``."""
    return f"chunk {number} of {chunks}\n".encode()


def event(number: int, chunks: int) -> bytes:
    """One server-sent event; its id is what a client that reconnects sends back."""
    return f'id: {number}\ndata: {{"event":{number},"of":{chunks}}}\n\n'.encode()


def first_event(last_event_id: str | None) -> int:
    """The event to begin with: 1, or the one after the ``Last-Event-ID`` of a client that comes back."""
    if not last_event_id:
        return 1
    if (number := whole_in_header(last_event_id, LARGEST_EVENT)) is not None:
        return number + 1
    raise header_problem("Last-Event-ID", "Not the id of an event", f"a whole number from 0 to {LARGEST_EVENT}")

"""What the middleware knows of a request, for whoever needs it deeper down: its id in every log line, and when it came."""

from contextvars import ContextVar
from time import perf_counter
from uuid import uuid4

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="-")
CAME: ContextVar[float] = ContextVar("came")  # of perf_counter; a request to a sync worker first waits in line


def new_request_id() -> str:
    """An id for a request that came without one, which is one that did not come through Nginx."""
    return uuid4().hex


def server_timing(started: float) -> str:
    """A Server-Timing value: milliseconds in the application since ``started`` (of ``perf_counter``)."""
    return f"app;dur={(perf_counter() - started) * 1000:.3f}"

"""Context of the current request, set by the middleware: its id, for every log line, and its arrival time."""

from contextvars import ContextVar
from time import perf_counter
from uuid import uuid4

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="-")
REQUEST_STARTED: ContextVar[float] = ContextVar("request_started")  # of perf_counter; for a sync worker, before the wait in the backlog


def new_request_id() -> str:
    """Return an id for a request that arrived without one, so not through Nginx."""
    return uuid4().hex


def server_timing(started: float) -> str:
    """Return a Server-Timing value: milliseconds in the application since ``started`` (of ``perf_counter``)."""
    return f"app;dur={(perf_counter() - started) * 1000:.3f}"

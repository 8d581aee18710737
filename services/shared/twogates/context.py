"""The request id, carried from the middleware to every log line of a request."""

from contextvars import ContextVar
from time import perf_counter
from uuid import uuid4

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="-")


def new_request_id() -> str:
    """An id for a request that came without one, which is one that did not come through Nginx."""
    return uuid4().hex


def server_timing(started: float) -> str:
    """A Server-Timing value: milliseconds in the application since ``started`` (of ``perf_counter``)."""
    return f"app;dur={(perf_counter() - started) * 1000:.3f}"

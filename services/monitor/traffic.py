"""Rates and latency percentiles of Nginx's answers in the last two seconds, by service."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

SECONDS = 2.0
# How late a log line may arrive, in seconds: Nginx buffers lines for up to 0.2 s (flush=), and a busy machine adds a little.
LATE = 0.3
SWITCHED = 101  # logged at the end of a WebSocket, so it is not an answer
REFUSED = 429


class Request(NamedTuple):
    """A request that was answered."""

    ended: float  # in seconds since 1970, by Nginx's clock, which is the same as this process's
    service: str
    seconds: float
    status: int


class Traffic:
    """The requests of the current window, and those that later windows may still include."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def add(self, lines: Iterable[dict[str, Any]]) -> None:
        """Add requests from Nginx's log lines."""
        self.requests += [request for line in lines if (request := read(line))]

    def forget(self, now: float) -> None:
        """Drop requests that are too old for any further window."""
        self.requests = [request for request in self.requests if request.ended > now - LATE - SECONDS]

    def numbers(self, service: str, now: float) -> dict[str, float | None]:
        """Return the metrics of a service. The window ends ``LATE`` seconds before now, so that all of its log lines have arrived."""
        mine = [request for request in self.requests if request.service == service and request.ended <= now - LATE]
        times = sorted(request.seconds for request in mine)
        return {
            "rps": len(mine) / SECONDS,
            "p50": percentile(times, 0.5),
            "p95": percentile(times, 0.95),
            "p99": percentile(times, 0.99),
            "errors": sum(request.status >= 500 for request in mine) / SECONDS,
            "refused": sum(request.status == REFUSED for request in mine) / SECONDS,
        }


def read(line: dict[str, Any]) -> Request | None:
    """Parse a log line of Nginx. Return ``None`` if it is not the answer of a service."""
    try:
        _, service, _ = str(line["uri"]).split("/", 2)
        request = Request(float(line["ended"]), service, float(line["request_time"]), int(line["status"]))
    except (KeyError, TypeError, ValueError):
        return None
    return None if request.status == SWITCHED else request


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """Return the smallest value that at least ``share`` of the values do not exceed, or ``None`` for an empty sequence."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None

"""What Nginx answered in the last two seconds, by service: rates and percentiles."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

SECONDS = 2.0
# So late lines may come: Nginx holds them back for up to 0.2 s (flush=), and a busy machine for somewhat longer.
LATE = 0.3
SWITCHED = 101  # the end of a WebSocket, and no answer
REFUSED = 429


class Request(NamedTuple):
    """One that was answered."""

    ended: float  # in seconds since 1970, by Nginx's clock, which is ours
    service: str
    seconds: float
    status: int


class Traffic:
    """The requests of the window, and of what may still belong to it."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def add(self, lines: Iterable[dict[str, Any]]) -> None:
        """What Nginx has logged."""
        self.requests += [request for line in lines if (request := read(line))]

    def forget(self, now: float) -> None:
        """Leave out what no window will hold any more."""
        self.requests = [request for request in self.requests if request.ended > now - LATE - SECONDS]

    def numbers(self, service: str, now: float) -> dict[str, float | None]:
        """A service's in the window that ends so long before now that all of its lines are here."""
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
    """A line of Nginx's; ``None`` for what is no answer of a service."""
    try:
        _, service, _ = str(line["uri"]).split("/", 2)
        request = Request(float(line["ended"]), service, float(line["request_time"]), int(line["status"]))
    except (KeyError, TypeError, ValueError):
        return None
    return None if request.status == SWITCHED else request


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest value that so large a share of all does not exceed; ``None`` of nothing."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None

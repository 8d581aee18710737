"""The load generator's records: one event for each request and each WebSocket, whatever its outcome."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal, get_args

Kind = Literal["get", "head", "post", "upstream", "stream", "socket"]
# right: the answer follows the contract, or we closed the socket. wrong: a good status, but the wrong content, id or echo.
# failed: an error status, no answer, or no connection. closed: the server ended a socket with a close frame. cut: a socket
# ended without a close frame.
Outcome = Literal["right", "wrong", "failed", "closed", "cut"]
KINDS: tuple[Kind, ...] = get_args(Kind)
LOST = frozenset({"wrong", "failed", "cut"})


@dataclass(frozen=True, slots=True)
class Event:
    """One request or socket. Times are seconds since the load began.

    ``planned`` is when it was due: a late generator therefore makes answers later, not fewer.
    """

    planned: float
    done: float
    kind: Kind
    service: str
    outcome: Outcome
    status: int = 0  # 0: no answer; for a closed socket, its close code
    why: str = ""

    @property
    def seconds(self) -> float:
        """Seconds from the time it was due to its end."""
        return self.done - self.planned

    @property
    def lost(self) -> bool:
        """Whether the client lost something."""
        return self.outcome in LOST


class CountError(Exception):
    """Events are missing or duplicated, so that no conclusion is possible."""


def counted(planned: int, events: Iterable[Event]) -> Counter[str]:
    """Count the events by outcome. Raise CountError unless every planned request and socket has exactly one event."""
    found = Counter(event.outcome for event in events)
    if found.total() != planned:
        raise CountError(f"{planned} requests and sockets were planned, and {found.total()} have ended")
    return Counter({str(outcome): count for outcome, count in found.items()})


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the smallest value that at least ``share`` of all values do not exceed (nearest rank); ``None`` for no values."""
    ordered = sorted(values)
    return ordered[max(0, ceil(len(ordered) * share) - 1)] if ordered else None

"""What the load generator writes down: one event for each request and each WebSocket, however it ended."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal, get_args

Kind = Literal["get", "head", "post", "upstream", "stream", "socket"]
# right: answered as the contract says, or a socket that we closed. wrong: a good status and the wrong content, a wrong id, a
# wrong echo. failed: an error status, no answer, or no connection. closed: the server ended a socket with a close frame.
# cut: a socket ended without one.
Outcome = Literal["right", "wrong", "failed", "closed", "cut"]
KINDS: tuple[Kind, ...] = get_args(Kind)
LOST = frozenset({"wrong", "failed", "cut"})


@dataclass(frozen=True, slots=True)
class Event:
    """Times are seconds since the load began. ``planned`` is when it was due: a late generator makes answers late, not fewer."""

    planned: float
    done: float
    kind: Kind
    service: str
    outcome: Outcome
    status: int = 0  # 0: there was no answer; of a closed socket, its close code
    why: str = ""

    @property
    def seconds(self) -> float:
        """From the moment it was due to its end."""
        return self.done - self.planned

    @property
    def lost(self) -> bool:
        """Whether a client is worse off by it."""
        return self.outcome in LOST


class CountError(Exception):
    """Events are missing or too many: nothing can be concluded from them."""


def counted(planned: int, events: Iterable[Event]) -> Counter[str]:
    """How many ended in which way. Raises CountError unless every one that was planned has ended, once."""
    found = Counter(event.outcome for event in events)
    if found.total() != planned:
        raise CountError(f"{planned} requests and sockets were planned, and {found.total()} have ended")
    return Counter({str(outcome): count for outcome, count in found.items()})


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that ``share`` of all are not above (nearest rank); ``None`` of nothing."""
    ordered = sorted(values)
    return ordered[max(0, ceil(len(ordered) * share) - 1)] if ordered else None

"""The definition of a fault: how to inject it, what it may cost and why, and when it is over."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from loadtest.chaos.events import KINDS, Kind
from loadtest.chaos.stack import Stack

# Polled after a fault: is the stack whole again?
Whole = Callable[[], bool]
EVERYTHING: frozenset[Kind] = frozenset(KINDS)
# What the notice board may do during a fault: refuse requests for a while without losing data, or only serve.
Board = Literal["refuses", "serves"]
# What Nginx cannot retry on another replica: a POST that was already sent, and an answer that has already begun.
NOT_AGAIN: frozenset[Kind] = frozenset({"post", "stream"})


@dataclass(frozen=True)
class Allowed:
    """The losses that a fault may cause, and why.

    ``in_flight``: how many of the POSTs and streams in flight at the moment of the fault may be lost, by service. This is
    the number of request slots of the failed process; ``None`` for an event loop, which has no limit. ``kinds``: the kinds
    of request that may be lost until the stack is whole again, of the failed service or of all services (``everywhere``).
    ``sockets``: whether a WebSocket may end without a close frame.
    """

    why: str = ""
    in_flight: Mapping[str, int | None] = field(default_factory=dict)
    kinds: frozenset[Kind] = frozenset()
    everywhere: bool = False
    sockets: bool = False


@dataclass(frozen=True)
class Fault:
    """One fault. ``on`` lists its target services; each is tested in a separate run.

    ``inflict`` injects the fault. When that is done, it returns a function that tells whether the stack is whole again. It
    runs in a thread beside the load. Move CPU-heavy work to a separate process, because this process also measures the
    load. ``at_most`` limits the p99 of the answered requests during the fault, as a multiple of the calm p99. ``board``:
    clients of the notice board run too, and the suite then looks for what they wrote (journal.py).
    """

    name: str
    does: str
    on: tuple[str, ...]
    inflict: Callable[[Stack, str], Whole]
    allowed: Allowed = field(default_factory=Allowed)
    graceful: bool = False
    short: tuple[str, ...] = ()  # the services of ``on`` that the short form tests
    named_only: bool = False  # run only when named: it affects more than the suite's own stack
    at_most: float | None = None
    board: Board | None = None


@dataclass(frozen=True)
class Case:
    """A fault with one of its target services."""

    fault: Fault
    service: str

    @property
    def name(self) -> str:
        """The name in the table: ``kill-worker flask``."""
        return f"{self.fault.name} {self.service}" if len(self.fault.on) > 1 else self.fault.name

"""What a fault is: how it is made, what it may cost and why, and when it is over."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from loadtest.chaos.events import KINDS, Kind
from loadtest.chaos.stack import Stack

# Asked again and again after a fault: is the stack whole again?
Whole = Callable[[], bool]
EVERYTHING: frozenset[Kind] = frozenset(KINDS)
# What the notice board may do meanwhile: refuse for a while, losing nothing, or nothing but serve.
Board = Literal["refuses", "serves"]
# What Nginx cannot send to another replica: a POST that was sent, and an answer that has begun.
NOT_AGAIN: frozenset[Kind] = frozenset({"post", "stream"})


@dataclass(frozen=True)
class Allowed:
    """What may be lost, and why.

    ``in_flight``: how many of the POSTs and streams that the service held at the moment of the fault, by service: the slots
    of what was hit, and ``None`` for an event loop, which holds as many as came. ``kinds``: those that may be lost until the
    stack is whole again, of the service that was hit or of all (``everywhere``). ``sockets``: whether a WebSocket may end
    without a close frame.
    """

    why: str = ""
    in_flight: Mapping[str, int | None] = field(default_factory=dict)
    kinds: frozenset[Kind] = frozenset()
    everywhere: bool = False
    sockets: bool = False


@dataclass(frozen=True)
class Fault:
    """One fault. ``on`` are the services that it is done to, each in a run of its own.

    ``inflict`` does it and returns when it is done, with the question whether all is whole again. It runs in a thread beside
    the load; work that takes CPU time belongs in a process of its own, for the load is measured in this one.
    ``at_most`` is how many times its calm value the p99 of those who are served may be meanwhile. ``board``: clients of the
    notice board are there too, and what they wrote is looked for afterwards (journal.py).
    """

    name: str
    does: str
    on: tuple[str, ...]
    inflict: Callable[[Stack, str], Whole]
    allowed: Allowed = field(default_factory=Allowed)
    graceful: bool = False
    short: tuple[str, ...] = ()  # of ``on``, those in the short form
    named_only: bool = False  # never among "all": it touches more than the suite's own stack
    at_most: float | None = None
    board: Board | None = None


@dataclass(frozen=True)
class Case:
    """A fault on one of its services."""

    fault: Fault
    service: str

    @property
    def name(self) -> str:
        """As the table says it: ``kill-worker flask``."""
        return f"{self.fault.name} {self.service}" if len(self.fault.on) > 1 else self.fault.name

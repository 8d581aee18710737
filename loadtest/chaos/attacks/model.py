"""The target of an attack, and its tally."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

PREFIXES = ("/flask", "/fastapi", "/django")


@dataclass(frozen=True)
class Target:
    """The stack at its port for plain HTTP.

    ``source`` is the source address of the attacker's connections: with 127.0.0.2, the attacker is another client than a
    well-behaved one at 127.0.0.1. ``name`` is the value of ``Host``; if it is empty, the address is used.
    """

    host: str
    port: int
    prefixes: tuple[str, ...] = PREFIXES
    source: str | None = None
    name: str = ""

    @property
    def authority(self) -> bytes:
        """The value of a valid ``Host`` field."""
        return f"{self.name or self.host}:{self.port}".encode()


@dataclass
class Tally:
    """What an attack did, and which answers it got.

    Each connection ended in one of four ways: closed, reset, refused, open.
    """

    connections: int = 0  # connections made
    statuses: Counter[int] = field(default_factory=Counter)  # statuses of the answers
    closed: int = 0  # closed by the server normally
    reset: int = 0  # reset by the server
    refused: int = 0  # connections that could not be made
    open: int = 0  # still open at the end, then closed by the attacker
    held: int = 0  # maximum number open at one time
    longest: float = 0.0  # longest time that the server kept one open, in seconds
    sent: int = 0  # bytes
    error: str = ""  # the first error

    def __str__(self) -> str:
        answers = ", ".join(f"{count} x {status}" for status, count in sorted(self.statuses.items())) or "none"
        ends = f"{self.closed} closed, {self.reset} reset, {self.refused} refused, {self.open} open at the end"
        held = f"at most {self.held} at once, the longest for {self.longest:.1f} s"
        text = f"{self.connections} connections, {held}: {ends}. Answers: {answers}."
        return f"{text} First error: {self.error}." if self.error else text


Attack = Callable[[Target, float], Awaitable[Tally]]
"""The target, and for how many seconds at most."""

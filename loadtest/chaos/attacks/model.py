"""What an attack is aimed at, and what came of it."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

PREFIXES = ("/flask", "/fastapi", "/django")


@dataclass(frozen=True)
class Target:
    """The stack, at its port for plain HTTP.

    ``source`` is the address that the attacker's connections come from: 127.0.0.2 makes it another client than a
    well-behaved one at 127.0.0.1. ``name`` is what ``Host`` says; the address itself where it is empty.
    """

    host: str
    port: int
    prefixes: tuple[str, ...] = PREFIXES
    source: str | None = None
    name: str = ""

    @property
    def authority(self) -> bytes:
        """The value of an honest ``Host``."""
        return f"{self.name or self.host}:{self.port}".encode()


@dataclass
class Tally:
    """What an attack did and was answered. Each connection ended in one of four ways: closed, reset, refused, open."""

    connections: int = 0  # that were made
    statuses: Counter[int] = field(default_factory=Counter)  # of the answers
    closed: int = 0  # by the server, in order
    reset: int = 0  # by the server
    refused: int = 0  # never made
    open: int = 0  # at the end, and closed by the attacker
    held: int = 0  # the most that were open at one time
    longest: float = 0.0  # seconds that the server kept one open
    sent: int = 0  # bytes
    error: str = ""  # the first

    def __str__(self) -> str:
        answers = ", ".join(f"{count} x {status}" for status, count in sorted(self.statuses.items())) or "none"
        ends = f"{self.closed} closed, {self.reset} reset, {self.refused} refused, {self.open} open at the end"
        held = f"at most {self.held} at once, the longest for {self.longest:.1f} s"
        text = f"{self.connections} connections, {held}: {ends}. Answers: {answers}."
        return f"{text} First error: {self.error}." if self.error else text


Attack = Callable[[Target, float], Awaitable[Tally]]
"""The target, and for how many seconds at most."""

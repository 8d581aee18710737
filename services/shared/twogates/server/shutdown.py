"""What a process does when it is told to stop, beside what its server does: streams end, and their clients come back elsewhere."""

from collections.abc import Awaitable, Callable

CALLS: list[Callable[[], None]] = []
# What a server without a lifespan (Daphne) closes when no request is in flight any more.
LAST: list[Callable[[], Awaitable[None]]] = []
_left = False


def leave() -> None:
    """Make the calls. Servers say it once for each connection, or more often."""
    global _left
    if not _left:
        _left = True
        for call in CALLS:
            call()


def left() -> bool:
    """Whether this process is on its way out."""
    return _left

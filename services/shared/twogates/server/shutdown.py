"""Shutdown work of a process in addition to its server's: end streams, so that their clients reconnect to another replica."""

from collections.abc import Awaitable, Callable

CALLS: list[Callable[[], None]] = []
# Called by a server without lifespan events (Daphne) when no request is in flight any more.
LAST: list[Callable[[], Awaitable[None]]] = []
_left = False


def leave() -> None:
    """Call the functions in ``CALLS``, once. Servers call this for every connection, or more often."""
    global _left
    if not _left:
        _left = True
        for call in CALLS:
            call()


def left() -> bool:
    """Return True if this process is shutting down."""
    return _left

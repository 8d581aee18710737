"""What a process does when it is told to stop, beside what its server does: streams end, and their clients come back elsewhere."""

from collections.abc import Callable

CALLS: list[Callable[[], None]] = []
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

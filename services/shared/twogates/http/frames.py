"""WebSocket frames that are built once for many sockets.

With ASGI, the server builds a new frame from the text for each socket, in one task per socket. Our servers therefore offer an extension: a
function that writes a finished frame. It returns False if the write would block. The application then sends as usual, and waits.
"""

from collections.abc import Callable, Mapping
from typing import Any

EXTENSION = "twogates.frame"
Write = Callable[[bytes], bool]


def writer(scope: Mapping[str, Any]) -> Write:
    """Return the server's write function; under other servers, a function that always returns False."""
    write: Write = scope.get("extensions", {}).get(EXTENSION, {}).get("write", lambda _frame: False)
    return write

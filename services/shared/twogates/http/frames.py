"""Frames that are made once for many sockets.

ASGI hands text to the server, which makes a frame of it for each socket anew, in a task for each. So our servers offer applications an
extension: a function that writes a frame as it is, and says no where it cannot at once. Then the application sends as usual, and waits.
"""

from collections.abc import Callable, Mapping
from typing import Any

EXTENSION = "twogates.frame"
Write = Callable[[bytes], bool]


def writer(scope: Mapping[str, Any]) -> Write:
    """What the server offers; under any other server, what always says no."""
    write: Write = scope.get("extensions", {}).get(EXTENSION, {}).get("write", lambda _frame: False)
    return write

"""Wait for a condition that comes true by itself."""

import time
from collections.abc import Callable
from typing import Any

# Against hanging, and nothing else: on a busy machine everything takes several times as long as on a quiet one.
PATIENCE = 60.0


def until(what: str, holds: Callable[[], Any], seconds: float = PATIENCE) -> None:
    """Ask until ``holds()`` is true. Fail after ``seconds``, naming ``what`` the test waited for."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)

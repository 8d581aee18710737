"""Wait for a condition to become true."""

import time
from collections.abc import Callable
from typing import Any

# Only a guard against a hang: on a busy machine everything takes several times as long as on a quiet one.
PATIENCE = 60.0


def until(what: str, holds: Callable[[], Any], seconds: float = PATIENCE) -> None:
    """Poll until ``holds()`` is true. Fail after ``seconds``; ``what`` names the condition in the message."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)

"""Waiting for what comes by itself, as long as it may take and no longer than it does."""

import time
from collections.abc import Callable


def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    """Ask until it holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)

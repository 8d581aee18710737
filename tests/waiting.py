"""Waiting for what comes by itself, as long as it may take and no longer than it does."""

import time
from collections.abc import Callable
from typing import Any


def until(holds: Callable[[], Any], seconds: float = 40) -> None:
    """Ask until it holds. The default is far more than anything takes: a worker of jobs that is gone is noticed after 9 s."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)

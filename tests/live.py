"""The numbers of the live view (docs/live.md), as they arrive."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.stack import TARGET
from tests.waiting import PATIENCE

LIVE = f"{TARGET}/live"
Event = dict[str, Any]


@contextmanager
def watching() -> Iterator[Iterator[Event]]:
    """Yield the events from this moment on."""
    with httpx.stream("GET", f"{LIVE}/events", timeout=PATIENCE, trust_env=False) as answer:
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/event-stream")
        yield (json.loads(line.removeprefix("data: ")) for line in answer.iter_lines() if line.startswith("data: "))


def wait_for(events: Iterator[Event], holds: Callable[[Event], bool], seconds: float = PATIENCE) -> Event:
    """Return the first event for which ``holds`` is true."""
    deadline = time.monotonic() + seconds
    for event in events:
        if holds(event):
            return event
        assert time.monotonic() < deadline, f"no such event within {seconds:g} s; the last: {event}"
    raise AssertionError("the stream ended")

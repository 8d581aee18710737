"""What happens in a cell, counted from Locust's events."""

import time
from collections import Counter
from time import perf_counter
from typing import Any

from loadtest.latency import Latencies

# Types of the events that are no whole request: the first piece of a streamed answer, and the opening of a WebSocket.
FIRST_PIECE = "FIRST"
CONNECT = "CONNECT"


class Recorder:
    """Listens to Locust's events, and keeps what ends while the window is open apart from the rest.

    ``generator_cpu`` is this process's use of CPU in the window, 1.0 for a whole core.
    """

    def __init__(self) -> None:
        self.latencies = Latencies()
        self.first_pieces = Latencies()
        self.users_answered: set[int] = set()
        self.errors: Counter[str] = Counter()
        self.failures = 0
        self.failures_outside = 0
        self.users_ready = 0
        self.is_open = False
        self.window_seconds = 0.0
        self.generator_cpu = 0.0

    def request(self, request_type: str, response_time: float, exception: BaseException | None, context: dict[str, Any], **_: Any) -> None:
        """A request ended, ``response_time`` milliseconds after it began."""
        if request_type not in (FIRST_PIECE, CONNECT):
            self.users_answered.add(context["user"])
        if exception is not None:
            self.fail(str(exception))
        elif self.is_open and request_type == FIRST_PIECE:
            self.first_pieces.record(response_time / 1000)
        elif self.is_open and request_type != CONNECT:
            self.latencies.record(response_time / 1000)

    def user_error(self, exception: BaseException, **_: Any) -> None:
        """A user's own code failed: no request was counted, and it must not look as if none had been due."""
        self.fail(f"{type(exception).__name__} in the load generator: {exception}")

    def fail(self, error: str) -> None:
        """Count a failure."""
        self.errors[error] += 1
        if self.is_open:
            self.failures += 1
        else:
            self.failures_outside += 1

    def open(self) -> None:
        """Begin the window; ``users_ready`` is how many users had an answer before it."""
        self.users_ready = len(self.users_answered)
        self.opened, self.cpu_when_opened = perf_counter(), time.process_time()
        self.is_open = True

    def close(self) -> None:
        """End the window."""
        self.is_open = False
        self.window_seconds = perf_counter() - self.opened
        self.generator_cpu = (time.process_time() - self.cpu_when_opened) / self.window_seconds

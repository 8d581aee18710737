"""What happens under one load, counted from Locust's events."""

import time
from collections import Counter
from time import perf_counter
from typing import Any

from gevent.event import Event

from loadtest.generator.latency import Latencies

# Types of the events that are no whole request: the first piece of a streamed answer, and the opening of a WebSocket.
FIRST_PIECE = "FIRST"
CONNECT = "CONNECT"
# Equal parts of a window, each with a histogram of its own: what the two halves are compared by, and what is resampled.
SLICES = 10
# An arrival that is sent this much after its intended moment is late; its latency counts from that moment all the same.
LATE_SECONDS = 0.01
# An answer that took this much longer than the service holds a request was kept waiting by something: a trouble, as a lost one is.
PATIENCE_SECONDS = 0.5


class Recorder:
    """Counts everything, and keeps what ends while the window is open apart from the rest.

    ``begun`` requests were sent, ``ended`` had an answer or failed. ``in_flight_seconds`` is the integral of the requests in
    flight over the window: with the throughput it gives the mean latency by a way that no single latency has a part in.
    """

    def __init__(self, seconds: float, held: float = 0.0) -> None:
        self.seconds, self.patience = seconds, held + PATIENCE_SECONDS
        self.last_trouble = 0.0  # seconds after the window's begin, until all requests have ended
        self.latencies = [Latencies() for _ in range(SLICES)]
        self.first_pieces = Latencies()
        self.successes = [0] * SLICES
        self.ready: set[int] = set()
        self.errors: Counter[str] = Counter()
        self.begun = self.ended = self.succeeded = self.failures = self.failures_outside = 0
        self.arrivals = [0] * SLICES
        self.dropped = self.late = 0
        self.in_flight, self.in_flight_seconds, self.changed = 0, 0.0, 0.0
        self.is_open = False
        self.go, self.over = Event(), Event()
        self.first_begin = 0.0
        self.opened = self.window_seconds = self.last_end = self.longest_gap = 0.0
        self.cpu = 0.0

    def begin(self, intended: float | None) -> None:
        """A request is being sent. One that was due before counts as in flight since then."""
        self.begun += 1
        self.flight(1)
        self.first_begin = self.first_begin or self.changed
        if self.is_open and intended is not None:
            self.in_flight_seconds += self.changed - max(intended, self.opened)

    def arrive(self, late_by: float) -> None:
        """An open workload's request was due, and leaves ``late_by`` seconds after that."""
        if self.is_open:
            self.arrivals[self.slice()] += 1
            self.late += late_by > LATE_SECONDS

    def drop(self) -> None:
        """An open workload's request was due, and too many were in flight to send it."""
        if self.is_open:
            self.dropped += 1

    def request(self, request_type: str, response_time: float, exception: BaseException | None, context: dict[str, Any], **_: Any) -> None:
        """A request ended, ``response_time`` milliseconds after it began, or later than its intended moment if it has one."""
        now = perf_counter()
        seconds = now - context["intended"] if "intended" in context else response_time / 1000
        whole = request_type not in (FIRST_PIECE, CONNECT)
        if whole:
            self.ready.add(context["user"])
            self.ended += 1
            self.flight(-1)
            if self.is_open:
                self.longest_gap = max(self.longest_gap, now - max(self.last_end, self.opened))
            self.last_end = now
        if self.opened and (exception is not None or seconds > self.patience):
            self.last_trouble = now - self.opened
        if exception is not None:
            self.fail(str(exception))
            return
        self.succeeded += whole
        if not self.is_open or request_type == CONNECT:
            return
        if request_type == FIRST_PIECE:
            self.first_pieces.record(seconds)
        else:
            part = self.slice()
            self.latencies[part].record(seconds)
            self.successes[part] += 1

    def slice(self) -> int:
        """The part of the window that is now."""
        return min(SLICES - 1, int((perf_counter() - self.opened) / self.seconds * SLICES))

    def flight(self, change: int) -> None:
        """One more or one less is in flight."""
        now = perf_counter()
        if self.is_open:
            self.in_flight_seconds += self.in_flight * (now - self.changed)
        self.in_flight, self.changed = self.in_flight + change, now

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
        """Begin the window."""
        self.opened = self.changed = perf_counter()
        self.cpu = time.process_time()
        self.is_open = True
        self.go.set()

    def close(self, at: float | None = None) -> None:
        """End the window, or say that it ended ``at`` a moment of perf_counter's that is just past."""
        self.flight(0)
        self.longest_gap = max(self.longest_gap, perf_counter() - max(self.last_end, self.opened))
        self.is_open = False
        self.window_seconds = (at or perf_counter()) - self.opened
        self.cpu = (time.process_time() - self.cpu) / self.window_seconds

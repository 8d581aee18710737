"""Count what happens under one load, from Locust's events."""

import time
from collections import Counter
from time import perf_counter
from typing import Any

from gevent.event import Event

from loadtest.generator.latency import Latencies

# Types of events that are not a whole request: the first piece of a streamed answer, and the opening of a WebSocket.
FIRST_PIECE = "FIRST"
CONNECT = "CONNECT"
# Equal parts of a window, each with its own histogram. They are used to compare the two halves, and for resampling.
SLICES = 10
# An arrival is late if it is sent this much after its intended moment. Its latency counts from the intended moment in any case.
LATE_SECONDS = 0.01
# An answer that took this much longer than the service holds a request was delayed by a problem. It is trouble, like a lost request.
PATIENCE_SECONDS = 0.5


class Recorder:
    """Counts everything, and keeps requests that end while the window is open apart from the rest.

    ``begun`` requests were sent; ``ended`` requests were answered or failed. ``in_flight_seconds`` is the integral of the requests in
    flight over the window. Divided by the number of answers it gives the mean latency, independently of each single latency.
    """

    def __init__(self, seconds: float, held: float = 0.0) -> None:
        self.seconds, self.patience = seconds, held + PATIENCE_SECONDS
        self.last_trouble = 0.0  # seconds after the window opened; requests that end after it closed count too
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
        """Count a request that is being sent. If it was due before, it counts as in flight since then."""
        self.begun += 1
        self.flight(1)
        self.first_begin = self.first_begin or self.changed
        if self.is_open and intended is not None:
            self.in_flight_seconds += self.changed - max(intended, self.opened)

    def arrive(self, late_by: float) -> None:
        """Count a request of an open workload that was due ``late_by`` seconds ago."""
        if self.is_open:
            self.arrivals[self.slice()] += 1
            self.late += late_by > LATE_SECONDS

    def drop(self) -> None:
        """Count a request of an open workload that was due, but not sent because too many were in flight."""
        if self.is_open:
            self.dropped += 1

    def request(self, request_type: str, response_time: float, exception: BaseException | None, context: dict[str, Any], **_: Any) -> None:
        """Count a request that ended ``response_time`` milliseconds after it began.

        If it has an intended moment, its latency counts from that moment.
        """
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
        """Return the index of the window's current part."""
        return min(SLICES - 1, int((perf_counter() - self.opened) / self.seconds * SLICES))

    def flight(self, change: int) -> None:
        """Add ``change`` to the requests in flight, and update their integral."""
        now = perf_counter()
        if self.is_open:
            self.in_flight_seconds += self.in_flight * (now - self.changed)
        self.in_flight, self.changed = self.in_flight + change, now

    def user_error(self, exception: BaseException, **_: Any) -> None:
        """Count an exception in a user's own code as a failure: otherwise it would look as if no request had been due."""
        self.fail(f"{type(exception).__name__} in the load generator: {exception}")

    def fail(self, error: str) -> None:
        """Count a failure."""
        self.errors[error] += 1
        if self.is_open:
            self.failures += 1
        else:
            self.failures_outside += 1

    def open(self) -> None:
        """Open the window."""
        self.opened = self.changed = perf_counter()
        self.cpu = time.process_time()
        self.is_open = True
        self.go.set()

    def close(self, at: float | None = None) -> None:
        """Close the window, or record that it ended at the moment ``at`` of perf_counter, which has just passed."""
        self.flight(0)
        self.longest_gap = max(self.longest_gap, perf_counter() - max(self.last_end, self.opened))
        self.is_open = False
        self.window_seconds = (at or perf_counter()) - self.opened
        self.cpu = (time.process_time() - self.cpu) / self.window_seconds

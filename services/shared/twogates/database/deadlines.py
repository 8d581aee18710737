"""Deadlines for threads that wait for a server which hangs. On an event loop, a timer is enough."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep

from twogates.database.common import Availability, shut


class Deadlines:
    """Shut down connections whose server does not answer. The server's own time-outs do not work while it hangs."""

    PERIOD = 0.1

    def __init__(self) -> None:
        self.due: dict[int, tuple[float, Availability]] = {}
        self.lock = threading.Lock()
        threading.Thread(target=self.watch, daemon=True).start()

    @contextmanager
    def within(self, seconds: float, number: int, availability: Availability) -> Iterator[None]:
        """Limit the block to that many seconds by shutting down the connection with this file descriptor."""
        with self.lock:
            self.due[number] = (monotonic() + seconds, availability)
        try:
            yield
        finally:
            with self.lock:  # so that watch() cannot shut down another file that has reused the descriptor
                self.due.pop(number, None)

    def watch(self) -> None:
        while True:
            sleep(self.PERIOD)
            with self.lock:
                for number in [number for number, (due, _) in self.due.items() if monotonic() > due]:
                    _, availability = self.due.pop(number)
                    shut(number)
                    availability.lost()

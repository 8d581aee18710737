"""An end for threads that wait for a server which does not answer. On an event loop, a timer is enough."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep

from twogates.database.common import Availability, shut


class Deadlines:
    """Ends connections whose server does not answer: the server's own time-outs run in the server, and one that hangs has none."""

    PERIOD = 0.1

    def __init__(self) -> None:
        self.due: dict[int, tuple[float, Availability]] = {}
        self.lock = threading.Lock()
        threading.Thread(target=self.watch, daemon=True).start()

    @contextmanager
    def within(self, seconds: float, number: int, availability: Availability) -> Iterator[None]:
        """Let the block, which waits for the connection behind a file number, last no longer than that."""
        with self.lock:
            self.due[number] = (monotonic() + seconds, availability)
        try:
            yield
        finally:
            with self.lock:  # and so the number is not another file's when it is shut
                self.due.pop(number, None)

    def watch(self) -> None:
        while True:
            sleep(self.PERIOD)
            with self.lock:
                for number in [number for number, (due, _) in self.due.items() if monotonic() > due]:
                    _, availability = self.due.pop(number)
                    shut(number)
                    availability.lost()

"""Ramp-up of a closed workload: all users connect first, and then each one starts at its own moment.

A saturated event loop accepts connections slowly (uvloop one per iteration, however long that takes). If some users connected while
others already sent requests, they would wait for minutes. Users that start together would get their answers together, in waves, and
a window would hold one wave more or just miss it.
"""

from collections.abc import Callable
from contextlib import suppress
from itertools import count

import gevent
from gevent.event import Event

# Faster than this, the server's accept queue could overflow, and the kernel would retry the connections seconds later.
CONNECTIONS_A_SECOND = 1000


class Entrance:
    """The ramp-up of ``users`` users in this process, which is number ``process`` of ``processes`` that play the same load.

    The service holds ``at_once`` requests for ``seconds`` each. As many users start at equal distances within that time. The others
    start at its end, and their requests queue.
    """

    def __init__(self, users: int, at_once: int, seconds: float, process: int = 0, processes: int = 1) -> None:
        self.at_once, self.seconds = at_once, seconds
        self.process, self.processes = process, processes
        self.numbers = count()
        self.outside, self.all_connected = users, Event()

    def enter(self, connect: Callable[[], None]) -> None:
        """Return when the calling user may start. If its connection fails, its first request reports why."""
        place = next(self.numbers) * self.processes + self.process
        gevent.sleep(place / CONNECTIONS_A_SECOND)
        with suppress(OSError):
            connect()
        self.outside -= 1
        if self.outside <= 0:
            self.all_connected.set()
        self.all_connected.wait()
        gevent.sleep(self.seconds * min(place / self.at_once, 1.0))

"""How the users of a closed workload come in: all connect, and then each begins at a moment of its own.

An event loop that is full takes new connections slowly (uvloop one in each turn, however long that is): users who connected
while others already asked would stand outside for minutes. And users who began together would end together, in waves of which
a window holds one more or just misses it.
"""

from collections.abc import Callable
from contextlib import suppress
from itertools import count

import gevent
from gevent.event import Event

# More at once than a server has room for in its accept queue would be tried again by the kernel, seconds later.
CONNECTIONS_A_SECOND = 1000


class Entrance:
    """For so many users of this process, which is number ``process`` of ``processes`` that play the same load.

    The service holds ``at_once`` requests of ``seconds`` each: so many users begin at equal distances within that time, and
    the others behind them, where they stand in line.
    """

    def __init__(self, users: int, at_once: int, seconds: float, process: int = 0, processes: int = 1) -> None:
        self.at_once, self.seconds = at_once, seconds
        self.process, self.processes = process, processes
        self.numbers = count()
        self.outside, self.all_connected = users, Event()

    def enter(self, connect: Callable[[], None]) -> None:
        """Return when the user who calls may begin. A connection that fails is left to the first request, which says why."""
        place = next(self.numbers) * self.processes + self.process
        gevent.sleep(place / CONNECTIONS_A_SECOND)
        with suppress(OSError):
            connect()
        self.outside -= 1
        if self.outside <= 0:
            self.all_connected.set()
        self.all_connected.wait()
        gevent.sleep(self.seconds * min(place / self.at_once, 1.0))

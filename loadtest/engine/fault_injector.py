"""Inject faults and changes into a service during a measurement: signals to its processes, and servers that join and leave."""

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import gevent

from loadtest.engine.sampler import in_flight
from loadtest.engine.variants import EngineError, Running, Runtime
from loadtest.model import Disturbance

# By disturbance: the signal, and whether one worker receives it instead of the server.
SIGNALS = {
    "reload": (signal.SIGHUP, False),
    "stop": (signal.SIGTERM, False),
    "kill": (signal.SIGKILL, True),
    "crash": (signal.SIGSEGV, True),
    "hang": (signal.SIGSTOP, True),
}
# Between a server's removal from Nginx's list and its SIGTERM. Nginx starts new workers; the old ones only finish what they had begun.
LEAVING_SECONDS = 0.3


@dataclass(frozen=True)
class Happened:
    """A disturbance that was carried out ``at`` seconds after the window opened, with ``in_flight`` requests in flight."""

    what: str
    at: float
    in_flight: int


class Disturber:
    """Carries out the disturbances of a cell.

    ``idle`` is what the counters report as in flight at rest: requests of workers that were killed long before.
    """

    def __init__(self, runtime: Runtime, running: Running, disturbances: Sequence[Disturbance], idle: int) -> None:
        self.runtime, self.running, self.disturbances, self.idle = runtime, running, disturbances, idle
        self.listed = list(range(running.variant.servers - running.variant.standing_by))
        self.happened: list[Happened] = []
        self.greenlets: list[Any] = []

    def begin(self) -> None:
        """Schedule the disturbances: the window opens now."""
        opened = perf_counter()
        self.greenlets = [gevent.spawn_later(one.at, self.carry_out, one, opened) for one in self.disturbances]

    def carry_out(self, one: Disturbance, opened: float) -> None:
        """Carry out one, and record when it began. One that fails is missing from ``happened``, and the audit sees this."""
        at, met = perf_counter() - opened, in_flight(self.running.counters) - self.idle
        try:
            if one.what in SIGNALS:
                number, worker = SIGNALS[one.what]
                self.runtime.signal(self.running, one.server, number, worker)
            elif one.what == "join":
                self.listed.append(one.server)
                self.runtime.send_to(self.running, self.listed)
            else:
                self.listed.remove(one.server)
                self.runtime.send_to(self.running, self.listed)
                gevent.sleep(LEAVING_SECONDS)
                self.runtime.signal(self.running, one.server, signal.SIGTERM, worker=False)
        except EngineError:
            return
        self.happened.append(Happened(one.what, at, met))

    def end(self) -> None:
        """Finish what is under way, and start nothing more."""
        gevent.joinall(self.greenlets, timeout=LEAVING_SECONDS + 2)
        gevent.killall(self.greenlets)

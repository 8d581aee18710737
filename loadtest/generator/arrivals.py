"""When requests are sent: each class decides when a user sends one, and users.py defines what a request is.

Locust's own wait times all wait for the answer first, so Locust only offers closed workloads, Poisson or not. The open workload here
follows its own clock. Each request has an intended moment, however long the others take, and its latency counts from that moment.
"""

import random
from time import perf_counter
from typing import ClassVar

from gevent.pool import Pool
from locust import User, task

from loadtest.generator.clock import Clock
from loadtest.generator.recorder import Recorder

# Limit of requests in flight of an open workload in one process. A request that is due beyond this limit is counted as dropped.
MOST_IN_FLIGHT = 3000


class Asker(User):
    """What these classes need from a user."""

    abstract = True
    recorder: ClassVar[Recorder | None] = None
    rate: ClassVar[float] = 0.0
    pause: ClassVar[float] = 0.0
    poisson: ClassVar[bool] = True
    seed: ClassVar[int] = 0

    def ask(self, intended: float | None = None) -> None:
        """Send one request and verify its answer."""
        raise NotImplementedError


class Closed(Asker):
    """Sends the next request as soon as the answer has come.

    All requests are sent in one task. Between two tasks Locust runs all other users first, and no latency would show this delay.
    """

    abstract = True

    @task
    def again(self) -> None:
        if self.recorder is None:
            self.ask()
            return
        while not self.recorder.over.is_set():
            self.ask()
            if self.pause:
                self.recorder.over.wait(self.pause)


class Burst(Asker):
    """Waits for the other users, sends one request, and waits for the end."""

    abstract = True

    @task
    def once(self) -> None:
        assert self.recorder
        self.recorder.ready.add(id(self))
        self.recorder.go.wait()
        if not self.recorder.over.is_set():
            self.ask(self.recorder.opened)
        self.recorder.over.wait()


class Open(Asker):
    """One user that stands for any number of them: it sends requests at intended moments, each in its own greenlet."""

    abstract = True

    @task
    def arrive(self) -> None:
        recorder = self.recorder
        assert recorder
        draw = random.Random(self.seed)  # noqa: S311  reproducible arrivals
        clock = Clock(lambda: draw.expovariate(self.rate) if self.poisson else 1 / self.rate)
        pool = Pool(MOST_IN_FLIGHT)
        try:
            for due in clock.until(recorder.over):
                recorder.arrive(perf_counter() - due)
                if pool.full():
                    recorder.drop()
                else:
                    pool.spawn(self.ask, due)
        finally:
            clock.stop()
        pool.join()


class Hold(Asker):
    """Opens a connection, reads the first piece of the answer, and stays silent until the end."""

    abstract = True

    @task
    def hold(self) -> None:
        assert self.recorder
        self.open_and_wait()
        self.recorder.over.wait()

    def open_and_wait(self) -> None:
        """Open the connection, so that it stays open without another request."""
        raise NotImplementedError

"""How requests come: each class says when a user asks, and users.py says what asking is.

Locust's own wait times all wait for the answer first, so what it offers is a closed workload, Poisson or not. The open one
here follows its own clock: a request is due when it is due, however long the others take, and its latency counts from then.
"""

import random
from time import perf_counter
from typing import ClassVar

from gevent.pool import Pool
from locust import User, task

from loadtest.generator.clock import Clock
from loadtest.generator.recorder import Recorder

# Requests of an open workload that one process has in flight at most. One that is due beyond them is counted as dropped.
MOST_IN_FLIGHT = 3000


class Asker(User):
    """What the classes here need of a user."""

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
    """Asks again as soon as the answer is there.

    In one task: between two of them Locust lets all other users go first, and what that takes no latency would show.
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
    """Waits for the others, asks once, and waits for the end."""

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
    """One user that stands for any number: it asks at its moments, each time in a greenlet of its own."""

    abstract = True

    @task
    def arrive(self) -> None:
        recorder = self.recorder
        assert recorder
        draw = random.Random(self.seed)  # noqa: S311  arrivals that can be repeated
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
    """Opens a connection, takes the first word of the answer, and says nothing more until the end."""

    abstract = True

    @task
    def hold(self) -> None:
        assert self.recorder
        self.open_and_wait()
        self.recorder.over.wait()

    def open_and_wait(self) -> None:
        """Open the connection, so that it stays open without another request."""
        raise NotImplementedError

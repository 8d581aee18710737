"""The response time of a request in each kind of service: the queue, the request's own wait, and its CPU time."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import exp

from loadtest.plan.deterministic import MDC
from loadtest.plan.held import Held
from loadtest.plan.quantiles import MOST_SHARE, quantile
from loadtest.plan.queueing import MGC, erlang_c

# Where something is added to the wait for a slot, the distribution of that wait is sampled at POINTS points. Each stands for a
# part of the requests; the next, slower point stands for RATIO times as many.
POINTS, RATIO = 64, 0.87


@dataclass(frozen=True)
class SlotResponse:
    """A sync service: a request queues for a slot, waits in it, and then shares the CPU with the other slots.

    The queue for a slot is M/G/c. Its service time is the time for which slots are held while all of them are taken, since there is
    no queue otherwise. How often there is a queue comes from the network of held.py. The time that sharing adds to the CPU time has
    the network's mean and the shape of an M/M/c waiting time: zero for most requests, exponential for those that find all cores busy.
    It is assumed to be independent of the wait for a slot.
    """

    held: Held

    @property
    def sharing(self) -> float:
        """The share of requests that do not have a core for themselves."""
        return erlang_c(self.held.cores, self.held.rate * self.held.cpu) if self.held.slots > self.held.cores else 0.0

    @property
    def added(self) -> float:
        """The mean time in seconds that sharing adds to those requests."""
        return self.held.stretch / self.sharing if self.sharing else 0.0

    @cached_property
    def line(self) -> MGC:
        """The queue for a slot, if slots were always held as long as while all of them are taken."""
        seconds = max(self.held.slots * self.held.crowding / self.held.rate, self.held.seconds)
        variance = self.sharing * (2 - self.sharing) * self.added**2
        return MGC(self.held.slots, self.held.rate, seconds, min(1.0, variance / seconds**2))

    @cached_property
    def rarer(self) -> float:
        """How often there is a queue, relative to how often ``line`` has one."""
        often = self.line.exponential.delayed
        return self.held.delayed / often if often else 1.0

    def turn(self, beyond: float) -> float:
        """Return the wait for a slot in seconds that only the share ``beyond`` of requests exceeds.

        The tail of ``line`` is cut off at ``MOST_SHARE``.
        """
        return self.line.wait_percentile(min(1 - beyond / self.rarer, MOST_SHARE)) if beyond < self.rarer else 0.0

    @cached_property
    def turns(self) -> list[tuple[float, float]]:
        """Waits for a slot in seconds, each with the share of requests that it stands for."""
        edges = [RATIO**number for number in range(POINTS)] + [0.0]
        return [(self.turn((above + below) / 2), above - below) for above, below in pairwise(edges)]

    @property
    def mean(self) -> float:
        return self.rarer * self.line.mean_wait + self.held.seconds

    def percentile(self, share: float) -> float:
        """Return the response time in seconds that ``share`` of the requests do not exceed."""
        alone = self.held.wait + self.held.cpu
        if not self.added:
            return alone + self.turn(1 - share)

        def within(seconds: float) -> float:
            return sum(part * (1 - self.sharing * exp((turn - seconds) / self.added)) for turn, part in self.turns if turn <= seconds)

        return alone + quantile(within, share, alone)


@dataclass(frozen=True)
class LoopResponse:
    """One event loop: all requests wait concurrently, and their CPU time is served by one server, first come first served (M/D/1)."""

    rate: float
    wait: float
    cpu: float

    @cached_property
    def line(self) -> MDC:
        """The queue for the loop."""
        return MDC(1, self.rate, self.cpu)

    @property
    def mean(self) -> float:
        return self.wait + self.cpu + self.line.mean_wait

    def percentile(self, share: float) -> float:
        """Return the response time in seconds that ``share`` of the requests do not exceed."""
        return self.wait + self.cpu + self.line.wait_percentile(share)

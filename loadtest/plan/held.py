"""Requests that hold one of ``slots`` while they wait and while they share the CPU: a queueing network of two stations.

A request inside the slots is at one of two stations. At the wait, requests do not delay each other. At the CPU, they share
``cores`` equally. The distribution depends on the mean times alone, so the network has a product form (Baskett, Chandy, Muntz and
Palacios 1975). From outside it is one server whose speed depends on how many requests are inside (Chandy, Herzog and Woo 1975;
Lazowska and others, Quantitative System Performance, 1984, chapter 9).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import exp, inf, log

# Numbers of requests whose probability is less than this share of the most likely one's are left out.
LEFT_OUT = 1e-12


def weights(ratios: Iterable[float]) -> list[float]:
    """Return the products of the first 0, 1, 2, ... ratios, relative to the largest; by logarithms, since they would overflow."""
    logs = list(accumulate((log(ratio) if ratio else -inf for ratio in ratios), initial=0.0))
    return [exp(one - max_log) for max_log in (max(logs),) for one in logs]


@dataclass(frozen=True)
class Held:
    """``slots`` in front of ``cores``, at ``rate`` requests per second that each need ``wait`` and ``cpu`` seconds."""

    slots: int
    cores: int
    rate: float
    wait: float
    cpu: float

    @cached_property
    def inside(self) -> list[float]:
        """The relative weights, at index n, of n requests in the system, up to the number of slots."""
        counts = range(1, self.slots + 1)
        waiting = weights(self.rate * self.wait / count for count in counts)
        at_cpu = weights(self.rate * self.cpu / min(count, self.cores) for count in counts)
        likely = [(count, weight) for count, weight in enumerate(at_cpu) if weight > LEFT_OUT]
        found = [0.0] * (self.slots + 1)
        for count, weight in enumerate(waiting):
            if weight > LEFT_OUT:
                for more, other in likely:
                    if count + more > self.slots:
                        break
                    found[count + more] += weight * other
        return found

    @property
    def crowding(self) -> float:
        """The rate as a share of the throughput while all slots are taken; the queue is stable below 1."""
        return self.inside[-1] / self.inside[-2] if self.inside[-1] else 0.0

    @property
    def stable(self) -> bool:
        return self.rate * self.cpu < self.cores and self.rate * (self.wait + self.cpu) < self.slots and self.crowding < 1

    @cached_property
    def seconds(self) -> float:
        """The mean time in seconds for which a request holds its slot, by Little's law; for stable networks only."""
        beyond = self.inside[-1] * self.crowding / (1 - self.crowding)
        held = sum(count * weight for count, weight in enumerate(self.inside)) + self.slots * beyond
        return max(held / (sum(self.inside) + beyond) / self.rate, self.wait + self.cpu)

    @property
    def delayed(self) -> float:
        """The share of requests that find all slots taken."""
        beyond = self.inside[-1] / (1 - self.crowding)
        return beyond / (sum(self.inside[:-1]) + beyond)

    @property
    def stretch(self) -> float:
        """How much longer a request stays at the CPU than its CPU time, in seconds."""
        return self.seconds - self.wait - self.cpu

"""M/D/c exactly: Poisson arrivals, every service equally long, first come first served.

Seen once in each service time, the line's length is a random walk that cannot fall below 0: Poisson arrivals come,
``servers`` requests go (Crommelin 1932). Spitzer's identity (1956) gives the walk's stationary law as a compound Poisson
law, Panjer's recursion (1981) its probabilities, and Franx (Operations Research Letters 29, 2001) the waiting time from
them. All sums have only positive terms, so no digits are lost however many servers there are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import ceil, exp, floor, lgamma, log, log1p, sqrt
from operator import mul

from loadtest.plan.quantiles import quantile

# What is left out of the tail of the line's length.
LEFT_OUT = 1e-7
# Terms of Spitzer's sum that are added one by one; the rest is smooth, and an integral with this ratio between its points.
ONE_BY_ONE, RATIO = 64, 1.04
# Standard deviations of a Poisson number beyond which nothing counts.
FAR = 9.0


def poisson(mean: float, count: float) -> float:
    """The probability of ``count`` where ``mean`` are expected; the gamma function's continuation between whole numbers."""
    return exp(count * log(mean) - mean - lgamma(count + 1))


@dataclass(frozen=True)
class MDC:
    """``servers`` that each take ``service`` seconds for a request, at ``rate`` requests a second; ValueError unless stable."""

    servers: int
    rate: float
    service: float

    def __post_init__(self) -> None:
        if not 0 <= self.load < self.servers:
            raise ValueError(f"{self} is not stable")

    @property
    def load(self) -> float:
        return self.rate * self.service

    @cached_property
    def longest(self) -> int:
        """The length of a line that is longer with a probability of ``LEFT_OUT`` at most.

        The tail falls off as ``z ** -length``, with z the root above 1 of ``load * (z - 1) = servers * log(z)``.
        """
        root = 2.0 * self.servers / self.load  # beyond the root, from where Newton's method falls onto it
        for _ in range(100):
            over = self.load * (root - 1) - self.servers * log(root)
            step = over / (self.load - self.servers / root)
            root -= step
            if abs(step) < 1e-12 * root:
                break
        return ceil(-log(LEFT_OUT) / log1p(root - 1)) + 1

    @cached_property
    def jumps(self) -> list[float]:
        """At index k the rate, in the compound Poisson law, of lines that are k longer; 0 at index 0."""
        found = [0.0] * (self.longest + 1)
        for rounds, weight in self.rounds():
            expected, served = rounds * self.load, rounds * self.servers
            if expected + FAR * sqrt(expected) + FAR < served:
                continue
            term = weight * poisson(expected, served)
            for length in range(1, self.longest + 1):
                term *= expected / (served + length)
                found[length] += term
                if term < 1e-18 and served + length > expected:
                    break
        return found

    def rounds(self) -> Iterator[tuple[float, float]]:
        """Numbers of service times n, and the weight of each in a sum of 1 / n times something smooth."""
        # Chance for the walk to be above 0 after n rounds falls as exp(-n * decay).
        decay = self.load - self.servers - self.servers * log(self.load / self.servers)
        last = -log(LEFT_OUT * 1e-3) / decay
        for number in range(1, min(ONE_BY_ONE, ceil(last)) + 1):
            yield number, 1 / number
        # The integral of f(n) / n is that of f over the logarithm of n, by midpoints.
        point = (ONE_BY_ONE + 0.5) * sqrt(RATIO)
        while point < last * RATIO:
            yield point, log(RATIO)
            point *= RATIO

    @cached_property
    def at_most(self) -> list[float]:
        """At index k the probability that k requests or fewer stand in line."""
        jumps = [length * rate for length, rate in enumerate(self.jumps)]
        exactly = [exp(-sum(self.jumps))]
        for length in range(1, self.longest + 1):
            exactly.append(sum(map(mul, jumps[1 : length + 1], reversed(exactly))) / length)
        return list(accumulate(exactly))

    @property
    def mean_wait(self) -> float:
        """The mean line by Little's law."""
        return sum(length * rate for length, rate in enumerate(self.jumps)) / self.rate if self.load else 0.0

    def wait_within(self, seconds: float) -> float:
        """The share of arrivals that wait ``seconds`` or less (Franx's formula)."""
        if not self.load:
            return 1.0
        rounds = floor(seconds / self.service) + 1
        expected = self.rate * (rounds * self.service - seconds)
        room = rounds * self.servers - 1
        first = max(0, floor(expected - FAR * sqrt(expected) - FAR))
        last = min(room, ceil(expected + FAR * sqrt(expected) + FAR))
        found, term = 0.0, poisson(expected, first) if expected else 1.0
        for count in range(first, last + 1):
            found += term * self.at_most[min(room - count, self.longest)]
            term *= expected / (count + 1)
        return min(1.0, found)

    def wait_percentile(self, share: float) -> float:
        """The waiting time that ``share`` of the arrivals do not exceed; 0 where so many do not wait at all."""
        return quantile(self.wait_within, share, self.service)

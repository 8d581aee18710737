"""M/D/c exactly: Poisson arrivals, a constant service time, first come first served.

Observed once per service time, the queue length is a random walk that cannot fall below 0. In each step, Poisson arrivals join
and ``servers`` requests leave (Crommelin 1932). Spitzer's identity (1956) gives the walk's stationary distribution as a compound
Poisson distribution, and Panjer's recursion (1981) gives its probabilities. Franx (Operations Research Letters 29, 2001) derives
the waiting time from them. All sums have only positive terms, so no digits are lost, however many servers there are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import ceil, exp, floor, lgamma, log, log1p, sqrt
from operator import mul

from loadtest.plan.quantiles import quantile

# Probability of the tail of the queue length that is left out.
LEFT_OUT = 1e-7
# This many terms of Spitzer's sum are added one by one. The rest is smooth: an integral with this ratio between its points.
ONE_BY_ONE, RATIO = 64, 1.04
# Standard deviations from a Poisson mean beyond which probabilities are negligible.
FAR = 9.0


def poisson(mean: float, count: float) -> float:
    """Return the probability of ``count`` events where ``mean`` are expected; between whole numbers, by the gamma function."""
    return exp(count * log(mean) - mean - lgamma(count + 1))


@dataclass(frozen=True)
class MDC:
    """``servers`` that each need ``service`` seconds for a request, at ``rate`` requests per second.

    Raise ValueError unless the queue is stable.
    """

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
        """The queue length that is exceeded with a probability of at most ``LEFT_OUT``.

        The tail falls off as ``z ** -length``, with z the root above 1 of ``load * (z - 1) = servers * log(z)``.
        """
        root = 2.0 * self.servers / self.load  # above the root, so that Newton's method converges to it from there
        for _ in range(100):
            over = self.load * (root - 1) - self.servers * log(root)
            step = over / (self.load - self.servers / root)
            root -= step
            if abs(step) < 1e-12 * root:
                break
        return ceil(-log(LEFT_OUT) / log1p(root - 1)) + 1

    @cached_property
    def jumps(self) -> list[float]:
        """The rates of the compound Poisson distribution: at index k, the rate of jumps of length k; 0 at index 0."""
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
        """Yield numbers of service times n, each with its weight in a sum of 1 / n times a smooth function."""
        # The probability that the walk is above 0 after n rounds falls as exp(-n * decay).
        decay = self.load - self.servers - self.servers * log(self.load / self.servers)
        last = -log(LEFT_OUT * 1e-3) / decay
        for number in range(1, min(ONE_BY_ONE, ceil(last)) + 1):
            yield number, 1 / number
        # The integral of f(n) / n is the integral of f over the logarithm of n; computed with midpoints.
        point = (ONE_BY_ONE + 0.5) * sqrt(RATIO)
        while point < last * RATIO:
            yield point, log(RATIO)
            point *= RATIO

    @cached_property
    def at_most(self) -> list[float]:
        """The probabilities, at index k, that the queue holds k requests or fewer."""
        jumps = [length * rate for length, rate in enumerate(self.jumps)]
        exactly = [exp(-sum(self.jumps))]
        for length in range(1, self.longest + 1):
            exactly.append(sum(map(mul, jumps[1 : length + 1], reversed(exactly))) / length)
        return list(accumulate(exactly))

    @property
    def mean_wait(self) -> float:
        """The mean waiting time in seconds: the mean queue length by Little's law."""
        return sum(length * rate for length, rate in enumerate(self.jumps)) / self.rate if self.load else 0.0

    def wait_within(self, seconds: float) -> float:
        """Return the share of arrivals that wait ``seconds`` or less (Franx's formula)."""
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
        """Return the waiting time in seconds that ``share`` of the arrivals do not exceed; 0 where at least that share does not wait."""
        return quantile(self.wait_within, share, self.service)

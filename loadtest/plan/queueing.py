"""Queues with Poisson arrivals, first come first served: M/M/c, and M/G/c between it and M/D/c.

Times in seconds, rates per second. A percentile's ``share`` is from 0 to 1. Every queue here must be stable, with a
utilisation below 1; otherwise ValueError is raised.
"""

from dataclasses import dataclass
from functools import cached_property
from math import exp, isclose, log

from loadtest.plan.deterministic import MDC
from loadtest.plan.quantiles import quantile


def erlang_b(servers: int, load: float) -> float:
    """Return the share of arrivals that find all servers busy in a system without a queue (Erlang 1917). ``load`` is rate times service.

    The recursion over the servers has only positive terms below 1, so it neither overflows nor loses digits.
    """
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = load * blocked / (number + load * blocked)
    return blocked


def erlang_c(servers: int, load: float) -> float:
    """Return the share of arrivals that must wait in M/M/c (Erlang 1917); 1 where the load is not below the number of servers."""
    if load >= servers:
        return 1.0
    blocked = erlang_b(servers, load)
    return blocked / (1 - load / servers * (1 - blocked))


@dataclass(frozen=True)
class MMC:
    """``servers`` with exponential service times of mean ``service``; all its results have a closed form."""

    servers: int
    rate: float
    service: float

    def __post_init__(self) -> None:
        if not 0 <= self.rate * self.service < self.servers:
            raise ValueError(f"{self} is not stable")

    @cached_property
    def delayed(self) -> float:
        """The share of arrivals that wait."""
        return erlang_c(self.servers, self.rate * self.service)

    @property
    def drain(self) -> float:
        """The spare capacity in requests per second: the rate at which the tail of the waiting time falls off."""
        return self.servers / self.service - self.rate

    @property
    def mean_wait(self) -> float:
        return self.delayed / self.drain

    def wait_percentile(self, share: float) -> float:
        """Return the waiting time in seconds that ``share`` of the arrivals, below 1, do not exceed.

        0 where at least that share does not wait.
        """
        return max(0.0, log(self.delayed / (1 - share)) / self.drain) if self.delayed else 0.0

    def sojourn_beyond(self, seconds: float) -> float:
        """Return the share of arrivals whose wait and service together take longer than ``seconds``."""
        own, line = 1 / self.service, self.drain
        if isclose(own, line):  # the general formula is 0 / 0 there
            return exp(-own * seconds) * (1 + self.delayed * own * seconds)
        return exp(-own * seconds) + self.delayed * own * (exp(-own * seconds) - exp(-line * seconds)) / (line - own)

    def sojourn_percentile(self, share: float) -> float:
        return quantile(lambda seconds: 1 - self.sojourn_beyond(seconds), share, self.service)


@dataclass(frozen=True)
class MGC:
    """``servers`` with service times of mean ``service`` and squared coefficient of variation ``variation``, from 0 to 1."""

    servers: int
    rate: float
    service: float
    variation: float

    def __post_init__(self) -> None:
        if not 0 <= self.variation <= 1:
            raise ValueError(f"{self} is outside the range of the interpolation")

    @cached_property
    def exponential(self) -> MMC:
        return MMC(self.servers, self.rate, self.service)

    @cached_property
    def constant(self) -> MDC:
        return MDC(self.servers, self.rate, self.service)

    @property
    def mean_wait(self) -> float:
        """Kimura's two-moment interpolation between M/M/c and M/D/c (Management Science 32, 1986); exact at both ends."""
        random, constant = self.exponential.mean_wait, self.constant.mean_wait
        if not random or not constant:
            return 0.0
        return (1 + self.variation) / (2 * self.variation / random + (1 - self.variation) / constant)

    def wait_percentile(self, share: float) -> float:
        """Tijms's interpolation of percentiles (A First Course in Stochastic Models, 2003, section 9.6), over all arrivals."""
        constant = self.constant.wait_percentile(share)
        return (1 - self.variation) * constant + self.variation * self.exponential.wait_percentile(share)

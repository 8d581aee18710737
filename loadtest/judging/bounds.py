"""The range in which a closed workload's throughput must lie, computed from its wait and from the cost of a request.

``n`` requests are held concurrently: the number of users, or fewer where there are fewer slots or connections. Each is held for
``w`` seconds and costs CPU time: ``c`` seconds in the service, which runs on ``L`` processes of one CPU each, and ``C`` in all
(service, Nginx, load generator, and what the service calls) on ``K`` CPUs that they share.

*Upper bound.* A request is held for its wait and its own CPU time, so ``n`` of them give ``n / (w + C)`` answers a second. The
processes have at most ``L`` CPU seconds a second, and the machine ``K``: ``min(n / (w + C), L / c, K / C)``. Where requests queue
for a slot, the queue hides the work of Nginx and the generator, so only the cost inside the slot counts in the first term.

*Lower bound.* Users of one loop synchronise: one iteration of the loop answers all of them, they send the next request together, and
their waits end together. The last request of such a wave waits for the CPU time of all others:
``n / (w + C + (n - 1) * max(C / K, c / L))``.
No order of arrival has a longer mean, as long as no other program uses the CPU.

Other programs are measured, and are part of the bound. ``free`` is how many of its ``K`` CPUs this machine gives to a program that
wants all of them. ``alone`` is how much longer than its wait a request takes when it is the only one: its CPU time, and its waits in
the scheduler's queue. The lower bound has ``alone`` in place of ``C``, and CPU seconds that last ``K / free`` seconds.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """The cost of one request in seconds, measured with one user.

    ``service``, ``behind`` (upstream, database, cache) and ``before`` (Nginx and the load generator) are CPU time. ``alone`` is the
    response time beyond the wait. Where no CPU time can be read, ``service`` is ``None``, and ``behind`` and ``before`` are 0.
    """

    alone: float
    service: float | None = None
    behind: float = 0.0
    before: float = 0.0

    @property
    def total(self) -> float:
        """``C``: the CPU time in all, in seconds; 0 where it is not known."""
        return (self.service or 0.0) + self.behind + self.before


@dataclass(frozen=True)
class Cpus:
    """``shared`` CPUs for all parts of a stack and its load generator; ``free`` of them for a program that wants all."""

    shared: float
    free: float

    @property
    def stretch(self) -> float:
        """How many seconds a CPU second lasts while other programs use the CPU too."""
        return max(1.0, self.shared / self.free)


@dataclass(frozen=True)
class Bounds:
    """The range of a throughput, in requests per second."""

    low: float
    high: float

    def contain(self, value: float, allowed: float) -> bool:
        """Whether a value lies in the range, or outside it by at most the share ``allowed``."""
        return self.low * (1 - allowed) <= value <= self.high * (1 + allowed)


def bounds(users: int, places: int | None, processes: float, wait: float, cost: Cost, cpus: Cpus) -> Bounds:
    """Return the range for ``users`` that wait for their answers.

    ``places`` is the number of slots or connections, ``None`` for no limit.
    """
    held = min(users, places or users)
    queued = held < users
    if cost.service is None:  # the CPU time is not known: assume that a request needs CPU for as long as it takes alone
        return Bounds(held / (wait + held * cost.alone), held / wait)
    inside = cost.service + cost.behind if queued else cost.total
    most = [held / (wait + inside)]
    most += [processes / cost.service] if cost.service else []
    most += [cpus.shared / cost.total] if cost.total else []
    turn = max(cost.total / cpus.shared, cost.service / processes) * cpus.stretch
    return Bounds(min(held / (wait + max(cost.alone, cost.total) + (held - 1) * turn), *most), min(most))

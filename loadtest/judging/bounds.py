"""The range in which a closed workload's throughput must lie, from its wait and from what a request costs.

``n`` requests are held concurrently: the users, or fewer where there are fewer slots or connections. Each is held for ``w`` seconds,
and costs CPU time: ``c`` seconds in the service, which runs on ``L`` processes of one CPU each, and ``C`` in all (service, Nginx, load
generator, and what the service calls) on ``K`` CPUs that they share.

*At most.* A request is held for its wait and its own CPU time, so ``n`` of them answer ``n / (w + C)`` a second; the processes have no
more than ``L`` CPU seconds a second, and the machine ``K``: ``min(n / (w + C), L / c, K / C)``. Where requests queue for a slot, the
queue hides what Nginx and the generator do, so only the cost inside the slot counts in the first term.

*At least.* Users of one loop come into step: all of them are answered by one turn of the loop, ask again together, and end their waits
together. The last of such a wave waits for the CPU time of all others: ``n / (w + C + (n - 1) * max(C / K, c / L))``. No order of
arrival is worse in the mean, as long as no other program takes the CPU.

Other programs are measured and not excused. ``free`` is what this machine leaves of its ``K`` CPUs to a program that asks for all of
them, and ``alone`` how much longer than its wait a request takes when it is the only one: its CPU time, and its turns in the
scheduler's queue. The lower bound has ``alone`` in place of ``C``, and CPU seconds that last ``K / free`` seconds.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """What one request costs, in seconds; measured with one user.

    ``service``, ``behind`` (upstream, database, cache) and ``before`` (Nginx and the load generator) are CPU time; ``alone`` is the
    response time beyond the wait. Where no CPU time can be read, the first three are ``None``.
    """

    alone: float
    service: float | None = None
    behind: float = 0.0
    before: float = 0.0

    @property
    def total(self) -> float:
        """``C``: CPU time in all; nothing where it is not known."""
        return (self.service or 0.0) + self.behind + self.before


@dataclass(frozen=True)
class Cpus:
    """``shared`` by all parts of a stack and its load generator; ``free`` of them for a program that asks for all."""

    shared: float
    free: float

    @property
    def stretch(self) -> float:
        """Seconds that a CPU second lasts while other programs want the CPU too."""
        return max(1.0, self.shared / self.free)


@dataclass(frozen=True)
class Bounds:
    """Requests a second."""

    low: float
    high: float

    def contain(self, value: float, allowed: float) -> bool:
        """Whether a value lies between them, or outside by a share that is allowed."""
        return self.low * (1 - allowed) <= value <= self.high * (1 + allowed)


def bounds(users: int, places: int | None, processes: float, wait: float, cost: Cost, cpus: Cpus) -> Bounds:
    """The range for ``users`` who wait for their answers; ``places`` are slots or connections, ``None`` for as many as come."""
    held = min(users, places or users)
    queued = held < users
    if cost.service is None:  # the CPU time is not known, so a request is taken to need all that it takes alone
        return Bounds(held / (wait + held * cost.alone), held / wait)
    inside = cost.service + cost.behind if queued else cost.total
    most = [held / (wait + inside)]
    most += [processes / cost.service] if cost.service else []
    most += [cpus.shared / cost.total] if cost.total else []
    turn = max(cost.total / cpus.shared, cost.service / processes) * cpus.stretch
    return Bounds(min(held / (wait + max(cost.alone, cost.total) + (held - 1) * turn), *most), min(most))

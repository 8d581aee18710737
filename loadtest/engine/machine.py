"""How the CPUs are divided, how many generators there are, and how long windows are in a quick and in a full run."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Machine:
    """Shares of the CPUs that this process may use. ``None``: the CPUs cannot be divided here, so everything shares them."""

    server_cpus: set[int] | None
    other_cpus: set[int] | None
    generators: int

    @property
    def words(self) -> str:
        """A sentence about which part runs on which CPU."""
        if self.server_cpus is None or self.other_cpus is None:
            return "Services, Nginx and the load generator share the CPUs: there is one, or the system cannot part them."
        return (
            f"Services on CPU {listed(self.server_cpus)}; Nginx, the upstream service and "
            f"{self.generators} load generator{'s' * (self.generators > 1)} on CPU {listed(self.other_cpus)}; "
            f"a database, where there is one, on CPU {max(self.other_cpus)}, behind all of them."
        )


def shared(here: Machine) -> Machine:
    """Return the same machine for a stack that may run on any CPU: only the number of generators is kept."""
    return Machine(None, None, here.generators)


def listed(cpus: set[int]) -> str:
    return ", ".join(map(str, sorted(cpus)))


def machine(generators: int | None = None) -> Machine:
    """Assign half of the CPUs to the services, and the rest to everything else.

    There is one generator for every two CPUs of the rest, or as many as ``generators`` says.
    """
    if not hasattr(os, "sched_getaffinity"):
        return Machine(None, None, generators or 1)
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        return Machine(None, None, generators or 1)
    half = len(cpus) // 2
    return Machine(set(cpus[:half]), set(cpus[half:]), generators or max(1, (len(cpus) - half) // 2))


@dataclass(frozen=True)
class Pace:
    """Seconds of a window and of the warm-up before it, and how often each cell is measured.

    ``reruns`` is how many disturbed runs of an experiment may be repeated, or a quarter of its runs if that is more.
    """

    seconds: float
    warm_up: float
    repeats: int
    reruns: int = 5


@dataclass(frozen=True)
class Plan:
    """How a run is made; ``seed`` determines the order of the cells and the moments of random arrivals."""

    pace: Pace
    full: bool
    seed: int

    @property
    def short(self) -> bool:
        """Whether the run only shows that everything runs to its end (short.py)."""
        return self.pace is SHORT


SHORT = Pace(seconds=0.4, warm_up=0.1, repeats=1)
QUICK = Pace(seconds=2.5, warm_up=0.3, repeats=2)
FULL = Pace(seconds=10.0, warm_up=2.0, repeats=5)

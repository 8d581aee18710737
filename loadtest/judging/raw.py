"""The raw data of one run of a cell, before any conclusion from them."""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from loadtest.engine.cores import MachineUse
from loadtest.engine.fault_injector import Happened
from loadtest.engine.sampler import Sampled
from loadtest.engine.variants import Holding, Usage
from loadtest.generator.latency import Latencies, Summary
from loadtest.model import Cell

STATUS = re.compile(r"status \d+")  # the generator's error text for an answer with a wrong status (users.py)


@dataclass
class Raw:
    """One run. ``loads`` are the reports of the measured load, one for each generator; ``all_loads`` those of all loads.

    ``logged`` counts the lines of this cell in Nginx's log by status, ``None`` for a cell without Nginx. ``usage``, ``holding`` and
    ``sampled`` are ``None`` for a stack that is only seen from outside.
    """

    cell: Cell
    repeat: int
    loads: list[dict[str, Any]]
    all_loads: list[dict[str, Any]]
    generator_cpu: float
    generator_lag: float
    generators: int
    ceiling: float
    usage: Usage | None
    holding: Holding | None
    sampled: Sampled | None
    cpus: float  # given to the application
    other_cpus: float = 0.0  # shared by the generators, Nginx and the upstream service; 0 where they cannot be told apart
    logged: dict[int, int] | None = None
    second: float | None = None  # throughput measured by the second generator
    declared_slots: int | None = None
    seen_slots: int | None = None
    paces: tuple[float, float] | None = None  # the machine's speed before and after the run, in CPU seconds of a fixed piece of work
    extra: dict[str, float] = field(default_factory=dict)
    happened: list[Happened] = field(default_factory=list)
    servers: list[str] = field(default_factory=list)  # the servers' addresses, in order
    machine: MachineUse | None = None  # CPU time that all programs of this machine used in the window
    cache: dict[str, int] | None = None  # uses of the cache by outcome, ``None`` where there is no cache

    @property
    def seconds(self) -> float:
        return float(sum(load["seconds"] for load in self.loads) / len(self.loads))

    def count(self, name: str, everywhere: bool = False) -> int:
        """Return a count over all generators, of the measured load or of all loads."""
        return sum(load["counts"][name] for load in (self.all_loads if everywhere else self.loads))

    @property
    def cache_uses(self) -> int | None:
        """How often the cache was queried, ``None`` where there is none. Computing a value is not a query of its own."""
        return None if self.cache is None else sum(self.cache.values()) - self.cache["computed"]

    @property
    def lost(self) -> int:
        """Number of requests of all loads without a correct answer, inside the window or outside it."""
        return self.count("failures", everywhere=True) + self.count("failures_outside", everywhere=True)

    @property
    def refusals(self) -> dict[int, int]:
        """The lost requests that got an answer, counted by status."""
        found: Counter[int] = Counter()
        for load in self.all_loads:
            found.update({int(text.split()[1]): times for text, times in load["errors"].items() if STATUS.fullmatch(text)})
        return dict(found)

    @property
    def slices(self) -> list[int]:
        return [sum(parts) for parts in zip(*(load["slices"] for load in self.loads), strict=True)]

    @property
    def arrivals(self) -> list[int]:
        return [sum(parts) for parts in zip(*(load["arrivals"] for load in self.loads), strict=True)]

    def merged(self) -> list[Latencies]:
        """Return the histogram of each slice, merged over all generators."""
        found = []
        for parts in zip(*(load["histograms"] for load in self.loads), strict=True):
            latencies = Latencies()
            for part in parts:
                latencies.add(part)
            found.append(latencies)
        return found

    def whole(self) -> Summary | None:
        """Return the summary of the window's latencies, ``None`` without any."""
        whole = Latencies()
        for latencies in self.merged():
            whole.add(latencies.encode())
        return whole.summary()

    def first_pieces(self) -> Summary | None:
        """Return the summary of the times until the first piece of each answer, ``None`` without any."""
        whole = Latencies()
        for load in self.loads:
            if load["first_pieces"]:
                whole.add(load["first_pieces"])
        return whole.summary()

    @property
    def beside(self) -> float:
        """The share of the shared CPUs that the generators, Nginx, the upstream service and the cache used."""
        if not self.usage or not self.other_cpus:
            return 0.0
        used = self.generator_cpu * self.generators + (self.usage.proxy + self.usage.upstream + self.usage.cache) / self.seconds
        return used / self.other_cpus

    @property
    def ours(self) -> float | None:
        """CPU seconds per second of the service, of what it calls, of Nginx and of the generators.

        ``None`` where they were not read.
        """
        if not self.usage:
            return None
        one = self.usage
        seconds = one.app_user + one.app_system + one.proxy + one.upstream + one.database + one.cache
        return seconds / self.seconds + self.generator_cpu * self.generators

    @property
    def others(self) -> float:
        """CPU seconds per second of all other programs; 0 where they were not read."""
        return max(0.0, self.machine.busy / self.seconds - self.ours) if self.machine and self.ours is not None else 0.0

    @property
    def longest_gap(self) -> float:
        """The longest time in seconds without an answer in the window; of several generators, the shortest of their values."""
        return min(float(load["longest_gap"]) for load in self.loads)

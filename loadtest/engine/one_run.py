"""Measure one cell once."""

import json
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Any

import gevent

from loadtest.engine import cache
from loadtest.engine.cores import MachineUse, busy_seconds
from loadtest.engine.cpu_speed import pace
from loadtest.engine.fault_injector import Disturber
from loadtest.engine.machine import Pace
from loadtest.engine.master import Ask, Generators
from loadtest.engine.sampler import Sampled, Sampler, in_flight, served
from loadtest.engine.variants import EngineError, Holding, Running, Runtime, Usage
from loadtest.judging.raw import Raw
from loadtest.model import Cell

SETTLE_SECONDS = 2.0
# Shorter after a disturbance: the counters file of a killed worker shows its requests as in flight for ever.
DISTURBED_SETTLE_SECONDS = 0.2
# Long enough that a worker which has answered does not take a request that is meant for another worker.
WARMING_SECONDS = 0.1


@dataclass
class Measurer:
    """Measures cells; its fields are the same for all of them."""

    runtime: Runtime
    generators: Generators
    ceiling: float
    idle_lag: float
    cpus: float
    pace: Pace
    seed: int
    marks: int = 0
    other_cpus: float = 0.0
    broken: set[str] = field(default_factory=set)  # variants that were disturbed and not yet restored

    def measure(self, cell: Cell, repeat: int, running: Running, tell: Callable[[str], None]) -> tuple[Raw, str]:
        """Measure a cell; return its raw counts, and the mark that identifies it in Nginx's log."""
        self.marks += 1
        ask = Ask(
            mark=f"{self.marks:07x}r",
            target=running.secure if cell.load.secure else running.target,
            prefix=running.prefix,
            loads=(cell.load, *cell.background),
            seconds=cell.seconds or self.pace.seconds,
            warm_up=cell.warm_up or self.pace.warm_up,
            seed=self.seed + self.marks,
            variant=cell.variant,
        )
        disturbed = bool(cell.disturbances)
        if running.variant.name in self.broken:
            self.runtime.mend(running)
            self.broken.discard(running.variant.name)
        if disturbed:
            self.broken.add(running.variant.name)
        seen_slots, servers = identity(running)["slots"], self.runtime.addresses(running)
        sampler = Sampler(running.counters, loops=cell.variant.slots is None, newcomers=disturbed)
        at: list[Usage | None] = []
        machine: list[MachineUse | None] = []
        held: list[Holding | None] = []
        sampled: list[Sampled] = []

        def look() -> None:
            with suppress(EngineError):  # the call at the window's end raises it
                held.append(self.runtime.holding(running))

        looks: list[Any] = []

        def opened() -> None:
            sampler.open()
            machine.append(busy_seconds())
            if disturbed:  # processes come and go, so their CPU time and memory are not measured
                disturber.begin()
                return
            at.append(self.runtime.usage(running))
            half = (cell.load.held(cell.variant) or 0.1) if cell.load.kind == "burst" else ask.seconds
            looks.append(gevent.spawn_later(half / 2, look))

        def closed() -> None:
            machine.append(busy_seconds())
            if not disturbed:
                at.append(self.runtime.usage(running))
            sampled.append(sampler.close())
            if not held and not disturbed:
                held.append(self.runtime.holding(running))

        ask_cache = partial(self.runtime.ask_cache, running)
        if cell.variant.cache:
            cache.forget(ask_cache)
        settling = DISTURBED_SETTLE_SECONDS if disturbed else SETTLE_SECONDS
        served_before = settled(running, settling)
        disturber = Disturber(self.runtime, running, cell.disturbances, in_flight(running.counters))
        pace_before = pace()
        try:
            results = self.generators.run(ask, opened, closed, tell)
        finally:
            sampler.end()
            gevent.killall(looks)  # in case the window was aborted
            disturber.end()
        sampled[0].served = settled(running, settling) - served_before
        before, after = at or (None, None)
        raw = Raw(
            cell=cell,
            repeat=repeat,
            loads=[result["loads"][0] for result in results],
            all_loads=[load for result in results for load in result["loads"]],
            generator_cpu=max(result["cpu"] for result in results),
            generator_lag=max(0.0, max(result["lag"] for result in results) - self.idle_lag),
            generators=len(results),
            ceiling=self.ceiling,
            usage=after - before if before and after else None,
            holding=held[0] if held else None,
            sampled=sampled[0] if running.counted and (after or disturbed) else None,
            cpus=running.cpus or self.cpus,
            machine=used(machine),
            other_cpus=self.other_cpus,
            declared_slots=cell.variant.slots,
            seen_slots=seen_slots and seen_slots * cell.variant.replicas,
            happened=disturber.happened,
            servers=servers,
            paces=(pace_before, pace()),
        )
        if cell.variant.cache:
            raw.cache = cache.counted(ask_cache)
            raw.extra |= cache.values(raw.cache)
        return raw, ask.mark


def used(seen: list[MachineUse | None]) -> MachineUse | None:
    """Return what all programs used between two readings; ``None`` where that is unknown."""
    before, after = seen or (None, None)
    return MachineUse(after.cpus, after.busy - before.busy) if before and after else None


def warm(running: Running) -> None:
    """Let every slot or database connection answer once before measuring: a first request takes longer than all others."""
    variant = running.variant
    at_once = 2 * (variant.slots or variant.connections or 4 * variant.workers)
    # With a pool, query the database, so that the pool opens its connections.
    url = f"{running.target}{running.prefix}/{'query' if variant.pool else 'wait'}?seconds={WARMING_SECONDS}"

    def ask() -> None:
        with suppress(OSError), urllib.request.urlopen(url, timeout=40) as response:  # a service that does not answer is detected later
            response.read()

    with ThreadPoolExecutor(at_once) as asking:
        for _ in range(at_once):
            asking.submit(ask)
    settled(running)


def settled(running: Running, seconds: float = SETTLE_SECONDS) -> int:
    """Wait until no request is in flight, or for ``seconds``; return how many requests the service has finished.

    A client reads an answer before the service has finished the request.
    """
    deadline = monotonic() + seconds
    while in_flight(running.counters) and monotonic() < deadline:
        gevent.sleep(0.02)
    return served(running.counters)


def identity(running: Running) -> dict[str, Any]:
    """Return what the service reports about itself. Raise EngineError if it does not answer."""
    url = f"{running.target}{running.prefix}/"
    try:
        with urllib.request.urlopen(url, timeout=40) as response:
            found: dict[str, Any] = json.load(response)
    except (OSError, ValueError) as error:
        raise EngineError(f"{running.variant.name} does not answer any more at {url} ({error}).") from None
    return found

"""The probe before the first lesson: what one request costs on its own, measured in about a second for each service."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from loadtest.engine import cores
from loadtest.engine.fleet import Fleet
from loadtest.engine.machine import Pace
from loadtest.engine.one_run import Measurer
from loadtest.engine.variants import Running, Runtime
from loadtest.experiments.load import Probe
from loadtest.generator.parameters import Parameters
from loadtest.judging.bounds import Cost
from loadtest.judging.raw import Raw
from loadtest.judging.values import values
from loadtest.model import Cell, Load, Variant

PACE = Pace(seconds=1.0, warm_up=0.3, repeats=1)
# The wait costs nothing, so the probe makes it very short. It is not zero, because a timer has a cost of its own.
WAIT = 0.001
# For a whole stream, in place of its intervals.
STREAM_SECONDS = 0.05


def probe(runtime: Runtime, fleet: Fleet, variants: Sequence[Variant], load: Load, seed: int, tell: Callable[[str, str], None]) -> Probe:
    """Measure how much CPU time other programs leave, and then each service with one user."""
    tell("probe", "what other programs leave of the CPUs")
    cpus = cores.measure()
    measurer = Measurer(runtime, fleet.generators, float("inf"), 0.0, cpus.shared, PACE, seed)
    asked = replace(load, users=1, parameters=shortened(load.parameters))
    costs: dict[str, Cost] = {}
    running = runtime.start(list(variants))
    for variant in variants:
        raw = measurer.measure(Cell(variant, asked, 1), 0, running[variant.name], told(tell, variant))[0]
        if found := cost(raw):
            costs[variant.name] = found
    runtime.stop()
    return Probe(costs, {name: limit(one) for name, one in running.items()}, cpus)


def told(tell: Callable[[str, str], None], variant: Variant) -> Callable[[str], None]:
    """Return a function that reports the progress of a variant's probe."""
    return lambda text: tell("probe", f"one user of {variant.name}: {text}")


def limit(running: Running) -> float:
    """Return how many CPUs its processes can use together."""
    return min(running.cpus or running.variant.workers, running.variant.workers)


def shortened(parameters: Parameters) -> Parameters:
    """Return the same request with almost no wait."""
    interval = min(parameters.interval, STREAM_SECONDS / parameters.chunks)
    return replace(parameters, wait=min(parameters.wait, WAIT), interval=interval)


def cost(raw: Raw) -> Cost | None:
    """Return what a request costs, ``None`` if no request was answered or one failed."""
    counted, found = sum(raw.slices), values(raw)
    if not counted or raw.lost or "mean" not in found:
        return None
    alone = max(0.0, found["mean"] - (raw.cell.load.held(raw.cell.variant) or 0.0))
    if not raw.usage:
        return Cost(alone)
    usage = raw.usage
    before = (usage.proxy + raw.generator_cpu * raw.seconds) / counted
    behind = (usage.upstream + usage.database + usage.cache) / counted
    return Cost(alone, (usage.app_user + usage.app_system) / counted, behind, before)

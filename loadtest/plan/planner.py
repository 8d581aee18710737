"""The smallest configuration of each service that keeps a demand's p99, or the reason why there is none."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import ceil

from loadtest.metrics import duration, number
from loadtest.plan.predict import MOST_BUSY, Configuration, Demand, Kind, Margin, Prediction, margin, predict
from loadtest.plan.profile import Profile

# Upper limits of the search.
SLOTS_SOUGHT, PROCESSES_SOUGHT = 20_000, 10_000
KINDS: dict[str, tuple[Kind, ...]] = {"flask": ("workers", "threads"), "fastapi": ("loops",), "django": ("loops",)}


@dataclass(frozen=True)
class Plan:
    """A configuration, its prediction, and its margin for a higher rate."""

    configuration: Configuration
    prediction: Prediction
    margin: Margin


@dataclass(frozen=True)
class NoPlan:
    """The reason why a service cannot meet the demand with this kind of concurrency."""

    service: str
    kind: Kind
    reason: str


@dataclass(frozen=True)
class Plans:
    """The answer to a demand; also the shape of the ``--json`` output."""

    demand: Demand
    profiles: list[Profile]
    plans: list[Plan]
    without: list[NoPlan]


def impossible(demand: Demand, overhead: float = 0.0) -> str | None:
    """Return why no configuration can meet the demand, else ``None``; ``overhead`` is CPU seconds in addition to the demand's own."""
    alone, cpu = demand.wait + demand.cpu + overhead, demand.cpu + overhead
    above = f" with {duration(overhead)} of the service's own CPU time" if overhead else ""
    if demand.p99 <= alone:
        return f"P99 is {demand.p99:g}; accepted: more than {alone:.4g}, for a request takes that long alone{above}"
    if demand.cores and demand.rate * cpu > MOST_BUSY * demand.cores:
        most = MOST_BUSY * demand.cores / cpu
        accepted = f"accepted with CORES={demand.cores}: at most {most:.4g}{above}"
        return f"RATE is {demand.rate:g}; {accepted}, which takes {MOST_BUSY:.0%} of their CPU time"
    return None


def plans(demand: Demand, profiles: Iterable[Profile]) -> Plans:
    """Return a plan, or a reason why there is none, for each way to run each service."""
    known = list(profiles)
    found = [plan(kind, demand, profile) for profile in known for kind in KINDS[profile.service]]
    return Plans(demand, known, [one for one in found if isinstance(one, Plan)], [one for one in found if isinstance(one, NoPlan)])


def plan(kind: Kind, demand: Demand, profile: Profile) -> Plan | NoPlan:
    """Return the fewest cores that can keep the p99, then the fewest slots; with the demand's cores where it sets them."""
    if reason := impossible(demand, profile.overhead):
        return NoPlan(profile.service, kind, f"{reason}.")
    cpu = demand.cpu + profile.overhead
    if kind != "loops" and demand.rate * (demand.wait + cpu) > MOST_BUSY * SLOTS_SOUGHT:
        return NoPlan(profile.service, kind, f"It would need more than {SLOTS_SOUGHT:,} slots, and more are not looked for.")
    least = max(1, ceil(demand.rate * cpu / MOST_BUSY))
    configuration = configure(kind, demand, profile, least)
    if configuration is None:
        where = f"CORES={demand.cores}" if demand.cores else f"{PROCESSES_SOUGHT:,} processes or {SLOTS_SOUGHT:,} slots"
        return NoPlan(profile.service, kind, f"No number of {kind} with {where} keeps a p99 of {duration(demand.p99)}.")
    prediction = predict(configuration, demand, profile)
    assert prediction is not None
    if demand.memory_mib and prediction.memory_mib > demand.memory_mib:
        needed = number(prediction.memory_mib)
        return NoPlan(profile.service, kind, f"The smallest that keeps the p99 needs {needed} MiB, and MEMORY is {demand.memory_mib:g}.")
    return Plan(configuration, prediction, margin(configuration, demand, profile))


def configure(kind: Kind, demand: Demand, profile: Profile, least: int) -> Configuration | None:
    """Return the smallest configuration with ``least`` or more cores, ``None`` if there is none."""

    def keeps(configuration: Configuration) -> bool:
        found = predict(configuration, demand, profile)
        return found is not None and found.p99 <= demand.p99

    def on(size: int) -> Configuration | None:
        """Return the configuration with ``size`` cores for sync workers, else with ``size`` processes that have a core each."""
        if kind == "loops":
            one = Configuration(profile.service, kind, size, 1, demand.cores or size)
            return one if keeps(one) else None

        def slots(count: int) -> Configuration:
            if kind == "workers":
                return Configuration(profile.service, kind, count, 1, size)
            return Configuration(profile.service, kind, size, count, demand.cores or size)

        held = demand.rate * (demand.wait + demand.cpu + profile.overhead)
        parts = 1 if kind == "workers" else size
        # A process with one thread is a sync worker.
        low = max(ceil(held / parts), 1 if kind == "workers" else 2)
        count = smallest(low, SLOTS_SOUGHT // parts, lambda count: keeps(slots(count)))
        return slots(count) if count else None

    if kind == "workers" and demand.cores:
        return on(demand.cores)
    size = smallest(least, demand.cores or PROCESSES_SOUGHT, lambda size: on(size) is not None)
    return on(size) if size else None


def smallest(low: int, high: int, enough: Callable[[int], bool]) -> int | None:
    """Return the smallest number from ``low`` to ``high`` that is enough, ``None`` if none is. A larger number must not be worse."""
    step, failed = 1, low - 1
    tried = low
    while tried <= high and not enough(tried):
        failed, tried, step = tried, tried + step, step * 2
    if tried > high:
        if failed >= high or not enough(high):
            return None
        tried = high
    while tried - failed > 1:
        middle = (failed + tried) // 2
        failed, tried = (failed, middle) if enough(middle) else (middle, tried)
    return tried

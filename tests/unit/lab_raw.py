"""The raw data of an honest run, made by hand. Everything that a test does not change is correct."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from loadtest.engine.sampler import Sampled
from loadtest.engine.variants import Holding, Usage
from loadtest.generator.latency import Latencies
from loadtest.generator.parameters import Parameters
from loadtest.judging.raw import Raw
from loadtest.model import Cell, Load, Variant, loop

# Short waits and few slices: decoding a histogram takes time for every value that it can hold.
USERS, WAIT, SLICES = 8, 0.004, 4
SECONDS = 5 * SLICES * WAIT


def encoded(seconds: Sequence[float]) -> str:
    latencies = Latencies()
    for value in seconds:
        latencies.record(value)
    return latencies.encode()


def load(latencies: Sequence[Sequence[float]] | None = None, **changes: Any) -> dict[str, Any]:
    """Return one generator's report: eight users with five answers each per slice, or these latencies in each slice."""
    each = [[WAIT] * (USERS * 5)] * SLICES if latencies is None else latencies
    count = sum(map(len, each))
    outside = USERS  # in the warm-up, one for each user
    made: dict[str, Any] = {
        "counts": {
            "begun": count + outside,
            "ended": count + outside,
            "succeeded": count + outside,
            "failures": 0,
            "failures_outside": 0,
            "dropped": 0,
            "late": 0,
        },
        "users": USERS,
        "users_ready": USERS,
        "slices": [len(part) for part in each],
        "arrivals": [len(part) for part in each],
        "histograms": [encoded(part) for part in each],
        "first_pieces": "",
        "errors": {},
        "seconds": SECONDS,
        "longest_gap": 1.1 * WAIT,
        "last_trouble": 0.0,
        "asking_seconds": SECONDS,
        "in_flight_seconds": sum(map(sum, each)),
        "connections": USERS,
    }
    made["counts"] |= {name: changes.pop(name) for name in list(changes) if name in made["counts"]}
    return made | changes


def cell(variant: Variant | None = None, kind: Any = "closed", workload: str = "wait", background: tuple[Load, ...] = ()) -> Cell:
    users, rate = (0, USERS / WAIT) if kind == "open" else (USERS, 0.0)
    load = Load(kind, workload, Parameters(wait=WAIT), users=users, rate=rate)
    return Cell(variant or loop("fastapi"), load, USERS, background=background)


def raw(of: Cell | None = None, *loads: dict[str, Any], **changes: Any) -> Raw:
    """Return a run of a cell. By default, its service has one event loop that held all users."""
    of = of or cell()
    reports = list(loads) or [load()]
    ended = sum(one["counts"]["ended"] for one in reports)
    made = Raw(
        cell=of,
        repeat=0,
        loads=reports,
        all_loads=reports,
        generator_cpu=0.2,
        generator_lag=0.001 * WAIT,
        generators=len(reports),
        ceiling=5 * USERS / WAIT,
        usage=Usage(app_user=0.08 * SECONDS, app_system=0.02 * SECONDS, proxy=0.01 * SECONDS, upstream=0.0, overflows=0),
        holding=Holding(processes=of.variant.workers + (of.variant.service != "django"), pss_mib=60.0, threads=2, sockets=10),
        sampled=Sampled(served=ended, busy=min(USERS, of.variant.slots or USERS), loop_lag=0.01 * WAIT, loop_lag_longest=0.02 * WAIT),
        cpus=1.0,
        logged={200: ended},
        declared_slots=of.variant.slots,
        seen_slots=of.variant.slots,
    )
    return replace(made, **changes)

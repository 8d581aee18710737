"""Calibrate before the experiments: how much load one generator process can make, and how much two equal services differ."""

from dataclasses import replace
from typing import Any

from loadtest.engine.fleet import Fleet
from loadtest.engine.master import Ask
from loadtest.engine.null_server import null_server
from loadtest.experiment import Experiment
from loadtest.generator.parameters import Parameters
from loadtest.judging.estimates import ratio
from loadtest.metrics import metric as metric_of
from loadtest.model import Cell, Chart, Load, loop
from loadtest.results import CellResult, Verdict
from runtime.local.plan import LAB

# Enough users to keep one process busy, and few enough not to slow it down by their number.
USERS = 32
SECONDS = 1.5
# Requests per second of one process: almost no load.
LOW_RATE = 50.0


def ceiling(fleet: Fleet, cpus: set[int] | None) -> tuple[float, float]:
    """Return the verified answers per second of one generator process, and its lag in seconds at a low rate.

    The server is an Nginx with a fixed answer. Waking a sleeping process takes the machine some time, for any client. A generator is
    late only by what it needs beyond that time.
    """
    generators = fleet.generators
    low = Load("open", "json", Parameters(), rate=LOW_RATE * generators.count, arrivals="constant")
    busy = Load("closed", "json", Parameters(), users=USERS * generators.count)

    def play(target: str, mark: str, load: Load) -> list[dict[str, Any]]:
        return generators.run(Ask(mark, target, "", [load], SECONDS, 0.5, seed=0), lambda: None, lambda: None, lambda _: None)

    with null_server(LAB / "null", fleet.address, cpus) as target:
        idle = min(result["lag"] for result in play(target, "calibrate-low", low))
        results = play(target, "calibrate-busy", busy)
    return min(float(sum(result["loads"][0]["slices"]) / result["loads"][0]["seconds"]) for result in results), idle


def pair_cells(_: bool) -> list[Cell]:
    """Return the cells of two equal services: each with requests that wait, and with short ones at a rate well below saturation."""
    twins = [replace(loop("fastapi"), name=f"FastAPI, twin {letter}") for letter in "AB"]
    short = Load("open", "json", Parameters(), rate=150)
    wait = Load("closed", "wait", Parameters(wait=0.05), users=40)
    return [Cell(twin, load, step) for twin in twins for step, load in (("short", short), ("wait", wait))]


PAIR = Experiment(
    name="a-a",
    question="How much do two equal services differ?",
    claim="Not at all.",
    frame="equal cores",
    cells=pair_cells,
    chart=Chart("bars", "p50"),
    columns=("throughput", "p50", "p99", "cpu_us"),
    misreading="A difference between two services that is not larger than this one is none.",
    judge=lambda _: Verdict("holds", ""),
)
METRICS_AT = {"throughput": "wait", "p50": "short", "p95": "short", "p99": "short", "mean": "short", "cpu_us": "short", "pss_mib": "short"}


def noise(cells: list[CellResult]) -> dict[str, float]:
    """Return, by metric, how much two equal services differ: in seconds for a time, otherwise as a share of 1.

    The value is the far end of the confidence interval.
    """
    by_key = {(cell.variant[-1], cell.step): cell for cell in cells}
    found = {}
    for metric, step in METRICS_AT.items():
        a, b = by_key["A", step], by_key["B", step]
        if interval := ratio(a.runs, b.runs, metric):
            far = max(abs(interval.low - 1), abs(interval.high - 1))
            found[metric] = far * b.estimates[metric].value if metric_of(metric).unit == "s" else far
    return found

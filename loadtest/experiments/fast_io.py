"""Short requests at a rate below capacity: what a blocking worker costs."""

from loadtest.experiment import Experiment
from loadtest.generator.parameters import Parameters
from loadtest.judging.evidence import Evidence
from loadtest.metrics import number
from loadtest.model import Cell, Chart, Load, loop, sync
from loadtest.results import Verdict

SYNC, LOOP, DJANGO = sync(3), loop("fastapi"), loop("django")
RATE = 80
LOADS = {
    "/json": Load("open", "json", Parameters(), rate=RATE),
    "a wait of 1 ms": Load("open", "wait", Parameters(wait=0.001), rate=RATE),
}
# The claim's "fine": a tail up to this many times the other's.
FINE = 3.0


def judge(seen: Evidence) -> Verdict:
    checks, words = [], []
    for step in LOADS:
        sync_cell, loop_cell = seen.cell(SYNC, step), seen.cell(LOOP, step)
        longer = seen.compare(sync_cell, loop_cell, "p99", more_than=FINE)
        checks.append(seen.unless(longer))
        cost, tail = seen.ratio(sync_cell, loop_cell, "cpu_us"), seen.ratio(sync_cell, loop_cell, "p99")
        words.append(f"{step}: p99 {number(tail.value)} times and CPU time {number(cost.value)} times that of FastAPI")
    return seen.verdict(
        checks,
        holds="",
        fails="Sync workers have far longer tails than an event loop here.",
        limit=f"Sync workers answer short requests with tails of the same order ({'; '.join(words)}).",
    )


EXPERIMENT = Experiment(
    name="fast-io",
    question=f"{RATE} short requests a second arrive, which one core has room for. Who answers sooner, and at what cost?",
    claim="For short requests a sync worker is fine.",
    frame="equal cores",
    cells=lambda full: [
        Cell(variant, load, step, seconds=None if full else 2.0)
        for variant in ((SYNC, LOOP, DJANGO) if full else (SYNC, LOOP))  # the claim is about workers; Django's loop is for full runs
        for step, load in LOADS.items()
    ],
    chart=Chart("bars", "p99"),
    columns=("p50", "p95", "p99", "cpu_us", "proxy_us"),
    misreading="Latencies at a rate that leaves room say nothing of the rate at which there is none: for that, see the CPU time.",
    judge=judge,
)

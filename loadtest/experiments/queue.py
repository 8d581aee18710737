"""Four sync workers and eight concurrent requests: four are served, and four queue."""

from math import ceil

from loadtest.experiment import Experiment
from loadtest.generator.parameters import Parameters
from loadtest.judging.evidence import Evidence
from loadtest.model import Cell, Chart, Load, Variant, loop, sync
from loadtest.results import Verdict

WAIT, REQUESTS = 1.0, 8
SYNC, LOOP, DJANGO = sync(4), loop("fastapi"), loop("django")


def cell(variant: Variant) -> Cell:
    """The n-th answer comes after its own wait and one more for each round that it queues."""
    at_once = variant.slots or REQUESTS
    ends = {f"rank_{n}": ceil(n / at_once) * WAIT for n in range(1, REQUESTS + 1)}
    load = Load("burst", "wait", Parameters(wait=WAIT), users=REQUESTS)
    return Cell(variant, load, step=REQUESTS, predicted=ends | {"makespan": ends[f"rank_{REQUESTS}"]})


def judge(seen: Evidence) -> Verdict:
    checks = [seen.near(seen.cell(variant), metric) for variant in (SYNC, LOOP, DJANGO) for metric in ("makespan", f"rank_{REQUESTS // 2}")]
    return seen.verdict(
        checks,
        holds="Four workers answered the eight requests in two rounds; each event loop answered all of them in one.",
        fails="The answers did not come in the rounds that were predicted.",
    )


EXPERIMENT = Experiment(
    name="queue",
    question="Eight requests arrive at the same moment, and each waits one second. When is each answered?",
    claim="Four sync workers serve four requests at a time and let the rest stand in line; an event loop holds all of them.",
    frame="equal cores",
    cells=lambda full: [cell(variant) for variant in (SYNC, LOOP, DJANGO)],
    chart=Chart("ranks", "rank"),
    columns=("makespan", "p50", "max", "busy_slots"),
    misreading="The event loop is not faster: no single request took less than its second. It only kept nobody standing in line.",
    judge=judge,
    compares=False,
)

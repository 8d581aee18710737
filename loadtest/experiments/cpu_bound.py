"""CPU-bound work, which concurrency cannot speed up."""

from time import process_time

from loadtest.experiment import Experiment
from loadtest.generator.parameters import Parameters
from loadtest.generator.workloads import digest
from loadtest.judging.evidence import Evidence
from loadtest.metrics import number
from loadtest.model import Cell, Chart, Load, Variant, loop, sync
from loadtest.results import Verdict

WORK, USERS = 10, 8
SYNC, LOOP, DJANGO = sync(1), loop("fastapi"), loop("django")
# The claim's "little": up to this many times as much.
LITTLE = 1.25
MEASURED_SECONDS = 0.4
# Long, since a CPU's speed changes from one second to the next.
SECONDS = 4.0


def work_seconds(work: int = WORK) -> float:
    """Return the CPU seconds of the work alone on this machine: the shortest of many, since a CPU takes a while to reach full speed."""
    times: list[float] = []
    while sum(times) < MEASURED_SECONDS:
        begun = process_time()
        digest.__wrapped__(work)
        times.append(process_time() - begun)
    return min(times)


def cells(full: bool) -> list[Cell]:
    """X = cores / CPU time of a request.

    Before the run only the CPU time of the work itself is known, so the prediction is an upper bound.
    """
    load = Load("closed", "cpu", Parameters(work=WORK), users=USERS)
    most = 1 / work_seconds()

    def cell(variant: Variant) -> Cell:
        return Cell(variant, load, USERS, predicted={"throughput": most}, seconds=None if full else SECONDS)

    return [cell(variant) for variant in (SYNC, LOOP, DJANGO)]


def judge(seen: Evidence) -> Verdict:
    sync_cell = seen.cell(SYNC)
    checks = [seen.unless(seen.compare(seen.cell(variant), sync_cell, "throughput", more_than=LITTLE)) for variant in (LOOP, DJANGO)]
    gain = seen.ratio(seen.cell(LOOP), sync_cell, "throughput")
    tail = seen.ratio(seen.cell(LOOP), sync_cell, "p99")
    return seen.verdict(
        checks,
        holds=f"On one core FastAPI does {number(gain.value)} times the work of a sync worker, with a p99 {number(tail.value)} times its.",
        fails="An event loop does clearly more CPU-bound work than a sync worker here.",
    )


EXPERIMENT = Experiment(
    name="cpu-bound",
    question="Each request keeps a CPU busy for some milliseconds. Does an event loop answer more of them on the same core?",
    claim="For CPU-bound work ASGI gives little over WSGI.",
    frame="equal cores",
    cells=cells,
    chart=Chart("bars", "throughput", x="users"),
    columns=("throughput", "p50", "p99", "cpu_us", "app_cpu"),
    misreading="This is not a ranking of servers: the work is the same function in all three, and what differs is what surrounds it.",
    judge=judge,
)

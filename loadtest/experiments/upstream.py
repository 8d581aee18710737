"""Real calls to a slow service: one after another in blocking code, and concurrently in an event loop."""

from loadtest.experiment import Experiment
from loadtest.generator.parameters import Parameters
from loadtest.judging.evidence import Evidence, predicted_throughput
from loadtest.model import Cell, Chart, Load, Variant, loop, sync
from loadtest.results import Verdict

WAIT, USERS = 0.25, 12
SYNC, LOOP = sync(4), loop("fastapi")
CALLS = (1, 3)
# In a quick run: twelve requests of a slot one after another, or nine with three calls each. Four slots then have 36 of them. With
# fewer, a single one that just misses the window would exceed the 3 % that a check allows.
SECONDS = {(SYNC, 1): 12 * WAIT, (SYNC, 3): 9 * 3 * WAIT, (LOOP, 1): 12 * WAIT, (LOOP, 3): 12 * WAIT}


def cell(variant: Variant, calls: int, full: bool) -> Cell:
    """Each of four slots holds a request for all of its calls; a loop holds every request for the longest of them."""
    made = Cell(variant, Load("closed", "upstream", Parameters(wait=WAIT, calls=calls), users=USERS), calls)
    predicted = {"throughput": predicted_throughput(made) or 0.0}
    return Cell(variant, made.load, calls, predicted, seconds=SECONDS[variant, calls] * (4 if full else 1))


def judge(seen: Evidence) -> Verdict:
    sync_cells, loop_cells = ([seen.cell(variant, calls) for calls in CALLS] for variant in (SYNC, LOOP))
    checks = [seen.near(one, "throughput") for one in (*sync_cells, *loop_cells)]
    checks.append(seen.compare(loop_cells[0], sync_cells[0], "throughput", more_than=2))
    checks.append(seen.compare(loop_cells[1], sync_cells[1], "throughput", more_than=6))
    return seen.verdict(
        checks,
        holds="The loop answers as many requests with three calls as with one; four workers answer a third.",
        fails="Calls to another service do not scale as was predicted.",
    )


EXPERIMENT = Experiment(
    name="upstream",
    question=f"Each request calls another service that takes {WAIT:g} s, once or three times. How many are answered?",
    claim="Where an application waits for other services, ASGI scales better, and most where it makes several calls.",
    frame="equal cores",
    cells=lambda full: [cell(variant, calls, full) for variant in (SYNC, LOOP) for calls in CALLS],
    chart=Chart("bars", "throughput", x="calls a request"),
    columns=("throughput", "p50", "p99", "cpu_us", "busy_slots"),
    misreading="Two things differ, not one: how many requests are held at once, and that one model gathers its calls. "
    "Threads would give a WSGI application the second too.",
    judge=judge,
    second_opinion=(f"{SYNC.name} / 1", f"{LOOP.name} / 1"),
)

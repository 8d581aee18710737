"""A blocking call on the event loop."""

from loadtest.experiment import Experiment
from loadtest.generator.parameters import Parameters
from loadtest.judging.evidence import Evidence
from loadtest.model import Cell, Chart, Load, loop
from loadtest.results import Verdict

BLOCK = 0.2
FASTAPI, DJANGO = loop("fastapi"), loop("django")
# The wait is longer than the generator's permitted lateness, and far shorter than the blocking call.
OTHERS = Load("open", "wait", Parameters(wait=0.01), rate=25)
BESIDE = {"alone": None, "beside a wait": "wait", "beside a blocking call": "block", "beside one in a thread": "offload"}
BLOCKED = "beside a blocking call"


def cells(full: bool) -> list[Cell]:
    found = []
    for variant in (FASTAPI, DJANGO):
        for step, workload in BESIDE.items():
            if variant is DJANGO and not full and step not in ("alone", BLOCKED):
                continue
            beside = (Load("closed", workload, Parameters(wait=BLOCK), users=1),) if workload else ()
            # A request that arrives during a call waits for the rest of it, which is uniform between 0 and the whole call. Then it begins a
            # wait that is shorter than a call, and at its end the next call blocks the loop. Each further iteration costs one more call.
            predicted = {"p50": 1.5 * BLOCK, "p99": 1.99 * BLOCK} if step == BLOCKED else {}
            # Nginx has to open a connection for each queued request, and uvloop accepts one per iteration: the warm-up takes some seconds.
            warm_up = 3.0 if step == BLOCKED else None
            found.append(Cell(variant, OTHERS, step, predicted, background=beside, seconds=None if full else 2.5, warm_up=warm_up))
    return found


def judge(seen: Evidence) -> Verdict:
    checks = []
    for variant in (FASTAPI, DJANGO):
        blocked = seen.cell(variant, BLOCKED)
        checks.append(seen.at_least(blocked, "p99"))
        checks += [seen.compare(blocked, other, "p99", more_than=5) for other in seen.all(variant) if other is not blocked]
    return seen.verdict(
        checks,
        holds="One blocking call stalls everybody on its loop for as long as it takes; awaited, or in a thread, it stalls nobody.",
        fails="A blocking call on the loop does not do to the others what was predicted.",
    )


EXPERIMENT = Experiment(
    name="blocked-loop",
    question=f"One request at a time blocks for {BLOCK:g} s. What happens to the others on the same event loop?",
    claim="Synchronous code inside an async view blocks everything; handed to a thread it does not.",
    frame="one service against itself",
    cells=cells,
    chart=Chart("bars", "p99", log_y=True),
    columns=("p50", "p95", "p99", "max", "loop_lag"),
    misreading="This does not say that event loops are slow: it says what one blocking call does to everything else on its loop.",
    judge=judge,
)

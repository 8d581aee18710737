"""(2 x cores) + 1 workers: where the rule is right, and where it is not."""

from loadtest.experiment import Experiment
from loadtest.generator.parameters import Parameters
from loadtest.judging.evidence import Evidence, predicted_throughput
from loadtest.metrics import number
from loadtest.model import Cell, Chart, Load, sync
from loadtest.results import Verdict

CORES, USERS = 1, 16
RULE = 2 * CORES + 1
CPU, WAIT = "CPU-bound", "a wait of 250 ms"
LOADS = {
    CPU: Load("closed", "cpu", Parameters(work=5), users=USERS),
    WAIT: Load("closed", "wait", Parameters(wait=0.25), users=USERS),
}
# In a quick run. A full run also shows how many workers affect requests that only compute.
WORKERS = {CPU: (1, RULE), WAIT: (RULE, 16)}
# Long enough to average out the CPU's changing speed; and twelve requests of a worker, one after another.
SECONDS = {CPU: 4.0, WAIT: 12 * 0.25}
# The best throughput may be up to this many times the rule's, and the rule is still a good start.
NEAR = 1.15


def cells(full: bool) -> list[Cell]:
    found = []
    for step, load in LOADS.items():
        for workers in (1, 2, RULE, 4, 8, 16) if full else WORKERS[step]:
            cell = Cell(sync(workers), load, step, seconds=None if full else SECONDS[step])
            predicted = predicted_throughput(cell)
            found.append(Cell(cell.variant, load, step, {"throughput": predicted} if predicted else {}, seconds=cell.seconds))
    return found


def judge(seen: Evidence) -> Verdict:
    best = {step: max(cells, key=lambda one: one.estimates["throughput"].value) for step in LOADS if (cells := seen.at(step))}
    rule = {step: seen.cell(sync(RULE), step) for step in LOADS}
    lost = {step: seen.ratio(best[step], rule[step], "throughput") for step in LOADS}
    checks = [
        seen.unless(seen.compare(best[CPU], rule[CPU], "throughput", more_than=NEAR)),
        seen.compare(best[WAIT], rule[WAIT], "throughput", more_than=NEAR),
        *(seen.near(one, "throughput") for one in seen.at(WAIT)),
    ]
    near, far = (f"{best[step].variant}: {number(lost[step].value)} times" for step in (CPU, WAIT))
    return seen.verdict(
        checks,
        holds="",
        fails="The rule does not do what was expected of it.",
        limit=f"{RULE} workers on {CORES} core come near the best for CPU-bound requests ({near}), "
        f"and are far from it for requests that wait ({far}).",
    )


EXPERIMENT = Experiment(
    name="rule-2n1",
    question="How many sync workers are best on one core?",
    claim="(2 x cores) + 1 workers are a place to start from.",
    frame="equal cores",
    cells=cells,
    chart=Chart("bars", "throughput"),
    columns=("throughput", "p50", "p99", "app_cpu", "pss_mib", "busy_slots"),
    misreading="There is no best number of workers without the wait and the CPU time of a request: the rule knows neither.",
    judge=judge,
)

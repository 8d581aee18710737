"""The same rate from users who wait for their answer, and from arrivals that do not."""

from loadtest.experiment import Experiment
from loadtest.experiments.cpu_bound import work_seconds
from loadtest.generator.parameters import Parameters
from loadtest.judging.evidence import Evidence
from loadtest.metrics import number
from loadtest.model import Cell, Chart, Load, loop, sync
from loadtest.plan.window import p99_of_a_window
from loadtest.results import Verdict

SHARE = 0.9  # of the service's capacity
WAIT, WORK = 0.05, 80
SYNC, LOOP = sync(4), loop("fastapi")
CLOSED, OPEN = "closed", "open"


def cells(full: bool) -> list[Cell]:
    """Four slots of 50 ms, and one CPU with some milliseconds of work per request: M/D/4 and M/D/1 where arrivals are random."""
    seconds = 15.0 if full else 5.0
    held = {SYNC: WAIT, LOOP: work_seconds(WORK) * 1.03}  # a request costs a little more than its work
    found = []
    for variant, workload, parameters in ((SYNC, "wait", Parameters(wait=WAIT)), (LOOP, "cpu", Parameters(work=WORK))):
        servers = variant.slots or 1
        rate = SHARE * servers / held[variant]
        # As many users as servers, so that no user queues, with pauses that make the rate the same.
        users = Load("closed", workload, parameters, users=servers, pause=servers / rate - held[variant])
        arrivals = Load("open", workload, parameters, rate=rate)
        found.append(Cell(variant, users, CLOSED, {"p99": held[variant]}, seconds=seconds))
        found.append(Cell(variant, arrivals, OPEN, {"p99": p99_of_a_window(servers, rate, held[variant], seconds)}, seconds=seconds))
    return found


def judge(seen: Evidence) -> Verdict:
    pairs = [(seen.cell(variant, OPEN), seen.cell(variant, CLOSED)) for variant in (SYNC, LOOP)]
    words = " and ".join(f"{arrivals.variant} {number(seen.ratio(arrivals, users, 'p99').value)} times" for arrivals, users in pairs)
    return seen.verdict(
        [seen.compare(arrivals, users, "p99", more_than=1.5) for arrivals, users in pairs],
        holds=f"At the same rate, random arrivals have a longer p99 than users who wait their turn: {words}.",
        fails="Random arrivals do not have a clearly longer p99 than users who wait for their answer.",
    )


EXPERIMENT = Experiment(
    name="open-closed",
    question="At 90 % of what a service can do, what does a user see who waits for answers, and what does one who comes at random?",
    claim="A load test with users who wait for their answer hides the line that real arrivals stand in.",
    frame="one service against itself",
    cells=cells,
    chart=Chart("bars", "p99"),
    columns=("throughput", "p50", "p95", "p99", "max", "app_cpu", "busy_slots"),
    misreading="Neither of the two is wrong: they answer different questions. A percentile means nothing without its workload.",
    judge=judge,
)

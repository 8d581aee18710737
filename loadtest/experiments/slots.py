"""Ten concurrent requests that wait: in ten processes, ten threads, or one event loop."""

from math import ceil

from loadtest.experiment import Experiment
from loadtest.generator.parameters import Parameters
from loadtest.judging.evidence import Evidence
from loadtest.model import Cell, Chart, Load, Variant, loop, sync
from loadtest.results import Verdict

WAIT, REQUESTS = 1.0, 10
PROCESSES, THREADS, LOOP, FEW = sync(10), sync(1, threads=10), loop("fastapi"), sync(4)


def cell(variant: Variant) -> Cell:
    """The burst takes as many rounds as the slots need for it."""
    load = Load("burst", "wait", Parameters(wait=WAIT), users=REQUESTS)
    return Cell(variant, load, REQUESTS, predicted={"makespan": ceil(REQUESTS / (variant.slots or REQUESTS)) * WAIT})


def judge(seen: Evidence) -> Verdict:
    cells = [seen.cell(variant) for variant in (PROCESSES, THREADS, LOOP, FEW)]
    checks = [seen.near(one, "makespan") for one in cells]
    checks += [seen.compare(cells[0], other, "pss_mib", more_than=1.2) for other in cells[1:3]]
    memory = ", ".join(f"{one.variant} {one.estimates['pss_mib'].value:.0f} MiB" for one in cells[:3])
    return seen.verdict(
        checks,
        holds=f"Ten processes, ten threads and one loop all need one second; they differ in memory: {memory}.",
        fails="The time or the memory is not as the number of slots says.",
    )


EXPERIMENT = Experiment(
    name="slots",
    question="What does it take to hold ten requests that wait a second, so that all of them take one second?",
    claim="Ten processes, ten threads, or one event loop: each takes a second for all. Processes take the most memory.",
    frame="equal slots",
    cells=lambda full: [cell(variant) for variant in (PROCESSES, THREADS, LOOP, FEW)],
    chart=Chart("bars", "makespan", x="requests at once"),
    columns=("makespan", "pss_mib", "threads", "sockets", "busy_slots"),
    misreading="Sync is not slow: with as many slots as requests it takes the same second. What differs is what a slot costs.",
    judge=judge,
)

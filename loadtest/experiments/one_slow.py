"""One slow request, and its effect on all others."""

from loadtest.experiment import Experiment
from loadtest.generator.parameters import Parameters
from loadtest.judging.evidence import Evidence
from loadtest.model import Cell, Chart, Load, Variant, loop, sync
from loadtest.results import Verdict

SLOW = 0.6
ONE, FOUR, LOOP = sync(1), sync(4), loop("fastapi")
WAIT, RATE = 0.01, 25
OTHERS = Load("open", "wait", Parameters(wait=WAIT), rate=RATE)


def cell(variant: Variant) -> Cell:
    """Where the slow request occupies the only slot, the others queue behind it.

    Its user repeats it at once, behind those that arrived meanwhile. These take a share ``busy`` of the time, so a round of the slow
    request and the others takes SLOW / (1 - busy). A request from the start of a round waits for all of it, one from the end of the slow
    request only for the others.
    """
    slow = Load("closed", "wait", Parameters(wait=SLOW), users=1)
    busy = RATE * WAIT
    longest = SLOW / (1 - busy)
    predicted = {f"p{share}": longest - SLOW * (1 - share / 100) + WAIT for share in (50, 99)} if variant is ONE else {}
    return Cell(variant, OTHERS, "beside one slow request", predicted, background=(slow,), seconds=4 * SLOW)


def judge(seen: Evidence) -> Verdict:
    one, four, loop_ = (seen.cell(variant) for variant in (ONE, FOUR, LOOP))
    return seen.verdict(
        [seen.at_least(one, "p99", 0.9), seen.compare(one, four, "p99", more_than=10), seen.compare(one, loop_, "p99", more_than=10)],
        holds="With one worker everybody waits for the slow request; with four, or on a loop, nobody else notices it.",
        fails="One slow request does not do to the others what was predicted.",
    )


EXPERIMENT = Experiment(
    name="one-slow",
    question=f"One request at a time takes {SLOW:g} s. How long do the short ones take that come meanwhile?",
    claim="Several workers keep one slow request from stalling the site.",
    frame="equal cores",
    cells=lambda full: [cell(variant) for variant in (ONE, FOUR, LOOP)],
    chart=Chart("bars", "p99", log_y=True),
    columns=("p50", "p95", "p99", "max", "dropped"),
    misreading="Four workers hold off one slow request, not slow requests: four of them at once stall four workers.",
    judge=judge,
)

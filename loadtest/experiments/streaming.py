"""Answers that arrive piece by piece, like the tokens of a language model."""

from math import ceil

from loadtest.experiment import Experiment
from loadtest.generator.parameters import Parameters
from loadtest.judging.evidence import Evidence
from loadtest.model import Cell, Chart, Load, Variant, loop, sync
from loadtest.results import Verdict

STREAMS, TOKENS, INTERVAL = 8, 20, 0.05
SYNC, LOOP, DJANGO = sync(4), loop("fastapi"), loop("django")
TAKES = (TOKENS - 1) * INTERVAL
TOGETHER, OTHERS = "streams at once", "short ones beside them"
STREAM = Parameters(chunks=TOKENS, interval=INTERVAL)


def variants(full: bool) -> tuple[Variant, ...]:
    """Return the variants that are compared. A full run includes a second kind of event loop."""
    return (SYNC, LOOP, DJANGO) if full else (SYNC, LOOP)


def cells(full: bool) -> list[Cell]:
    found = []
    for variant in variants(full):
        rounds = ceil(STREAMS / (variant.slots or STREAMS))
        burst = Load("burst", "stream", STREAM, users=STREAMS)
        found.append(Cell(variant, burst, TOGETHER, {"makespan": rounds * TAKES}))
        beside = (Load("closed", "stream", STREAM, users=STREAMS),)
        found.append(Cell(variant, Load("open", "wait", Parameters(wait=0.01), rate=20), OTHERS, background=beside, seconds=3 * TAKES))
    return found


def judge(seen: Evidence) -> Verdict:
    _, *loops = variants(seen.full)
    checks = [seen.near(seen.cell(variant, TOGETHER), "makespan", 0.05) for variant in variants(seen.full)]
    late = [seen.compare(seen.cell(SYNC, TOGETHER), seen.cell(variant, TOGETHER), "first_p99", more_than=5) for variant in loops]
    stalled = [seen.compare(seen.cell(SYNC, OTHERS), seen.cell(variant, OTHERS), "p50", more_than=5) for variant in loops]
    return seen.verdict(
        [*checks, *late, *stalled],
        holds="Four sync workers serve four streams, and the others wait for their first token; a loop serves all, and the rest too.",
        fails="Streams do not hold what serves them as was predicted.",
    )


EXPERIMENT = Experiment(
    name="streaming",
    question=f"{STREAMS} readers each follow a stream of {TAKES:.2g} s. When does each see its first token, and what else is served?",
    claim="WSGI streams too, but each stream costs a worker; ASGI holds streams as it holds waits.",
    frame="equal cores",
    cells=cells,
    chart=Chart("bars", "p50", log_y=True),
    columns=("first_p50", "first_p99", "makespan", "p50", "p99", "busy_slots"),
    misreading="WSGI can stream: the first four readers see what the loop's readers see. It is the fifth who waits.",
    judge=judge,
)

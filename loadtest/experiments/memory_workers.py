"""The memory that one more concurrent request needs: in a process, a thread, or a coroutine."""

from loadtest.experiment import Experiment
from loadtest.generator.parameters import Parameters
from loadtest.judging.evidence import Evidence
from loadtest.metrics import number
from loadtest.model import Cell, Chart, Load, Variant, loop, sync
from loadtest.results import CellResult, Verdict

WAIT = 0.3
PRELOADED = {workers: sync(workers, name=f"Flask, {workers} of one import", environment={"PRELOAD": "true"}) for workers in (1, 9)}
APART = {workers: sync(workers, name=f"Flask, {workers} of own imports", environment={"PRELOAD": "false"}) for workers in (1, 9)}
# Pairs of variants and concurrent requests: the difference in memory is the cost of the difference in requests.
PAIRS: dict[str, tuple[tuple[Variant, int], tuple[Variant, int]]] = {
    "process": ((APART[1], 1), (APART[9], 9)),
    "preloaded process": ((PRELOADED[1], 1), (PRELOADED[9], 9)),
    "thread": ((sync(1, threads=2), 2), (sync(1, threads=64), 64)),
    "coroutine": ((loop("fastapi", name="FastAPI with few"), 1), (loop("fastapi", name="FastAPI with many"), 150)),
}


def cell(variant: Variant, users: int, kind: str) -> Cell:
    return Cell(variant, Load("closed", "wait", Parameters(wait=WAIT), users=users), kind, label=f"x {users}", seconds=1.0)


def cells(full: bool) -> list[Cell]:
    return [cell(variant, users, kind) for kind, pair in PAIRS.items() for variant, users in pair]


def judge(seen: Evidence) -> Verdict:
    each = {}
    for kind, (few, many) in PAIRS.items():
        cells = [seen.cell(variant, kind, f"x {users}") for variant, users in (few, many)]
        each[kind] = kib_each(cells[0], cells[1], many[1] - few[1])
    words = ", ".join(f"{kind} {number(kib)} KiB" for kind, kib in each.items())
    return seen.verdict(
        [
            seen.true(f"a process costs more than ten times a thread ({words})", each["process"] > 10 * each["thread"]),
            seen.true(f"a thread costs more than a coroutine ({words})", each["thread"] > each["coroutine"]),
            seen.true(f"a preloaded process shares some of its memory ({words})", each["preloaded process"] < each["process"]),
        ],
        holds=f"One more request at once costs, in memory: {words}.",
        fails=f"Memory does not grow as was expected: {words}.",
    )


def kib_each(few: CellResult, many: CellResult, more: int) -> float:
    """Return the KiB of proportional set size for each additional request that is held."""
    return (many.estimates["pss_mib"].value - few.estimates["pss_mib"].value) / more * 1024


EXPERIMENT = Experiment(
    name="memory-workers",
    question="What does it cost in memory to hold one more request?",
    claim="More requests at once mean more processes under WSGI, and so more memory; a loop shares its own.",
    frame="equal slots",
    cells=cells,
    chart=Chart("bars", "pss_mib"),
    columns=("pss_mib", "threads", "sockets", "busy_slots", "throughput"),
    misreading="Resident set sizes added up count shared pages again and again. This is the proportional set size.",
    judge=judge,
)

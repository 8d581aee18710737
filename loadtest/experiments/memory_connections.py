"""The memory that an idle connection needs in an event loop."""

from typing import Literal

from loadtest.experiment import Experiment
from loadtest.generator.parameters import Parameters
from loadtest.judging.evidence import Evidence
from loadtest.metrics import number
from loadtest.model import NAMES, Cell, Chart, Load, loop
from loadtest.results import Verdict

SERVICES: tuple[Literal["fastapi", "django"], ...] = ("fastapi", "django")
KINDS = {"WebSockets": "sockets", "event streams": "events"}
STEPS, MORE_STEPS = (10, 1000), (10, 1000, 2500, 5000)
# Every stream must last longer than its cell.
STREAM = Parameters(chunks=2, interval=15.0)


def cell(service: Literal["fastapi", "django"], kind: str, users: int) -> Cell:
    """Return a cell with processes of its own: memory allocated for a thousand connections is not returned for ten."""
    name = f"{NAMES[service]}, {users:,} {kind}"
    return Cell(loop(service, name=name), Load("hold", KINDS[kind], STREAM, users=users), f"{service}, {kind}", seconds=1.0)


def cells(full: bool) -> list[Cell]:
    return [cell(service, kind, users) for service in SERVICES for kind in KINDS for users in (MORE_STEPS if full else STEPS)]


def judge(seen: Evidence) -> Verdict:
    slopes = {}
    for service in SERVICES:
        for kind in KINDS:
            steps = MORE_STEPS if seen.full else STEPS
            few, many = (seen.cell(cell(service, kind, users).variant) for users in (steps[0], steps[-1]))
            more = many.estimates["pss_mib"].value - few.estimates["pss_mib"].value
            slopes[f"{service}, {kind}"] = more / (steps[-1] - steps[0]) * 1024
    words = ", ".join(f"{name} {number(kib)} KiB" for name, kib in slopes.items())
    return seen.verdict(
        [seen.true(f"{name}: {number(kib)} KiB for each connection", 0 < kib < 1024) for name, kib in slopes.items()],
        holds=f"An idle connection costs the application: {words}. A thousand of them are felt, ten are not.",
        fails=f"The memory of idle connections is not what was expected: {words}.",
    )


EXPERIMENT = Experiment(
    name="memory-connections",
    question="What does an event loop pay, in memory, for each connection that is open and silent?",
    claim="An event loop with many connections can be hungry for memory.",
    frame="one service against itself",
    cells=cells,
    chart=Chart("bars", "pss_mib"),
    columns=("pss_mib", "sockets", "app_cpu"),
    misreading="This is the application's share alone: Nginx and the kernel hold buffers for each connection too.",
    judge=judge,
    compares=False,
)

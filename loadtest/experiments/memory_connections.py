"""What an idle connection costs an event loop in memory."""

from loadtest.generator.parameters import Parameters
from loadtest.judging.evidence import Evidence
from loadtest.metrics import number
from loadtest.model import Cell, Chart, Experiment, Load, loop
from loadtest.results import Verdict

SERVICES = ("fastapi", "django")
KINDS = {"WebSockets": "sockets", "event streams": "events"}
STEPS, MORE_STEPS = (10, 1000), (10, 1000, 2500, 5000)
VARIANTS = {(service, kind): loop(service, name=f"{service.title()}, {kind}") for service in SERVICES for kind in KINDS}  # type: ignore[arg-type]
# Every stream must outlast its cell.
STREAM = Parameters(chunks=2, interval=15.0)


def cells(full: bool) -> list[Cell]:
    return [
        Cell(variant, Load("hold", KINDS[kind], STREAM, users=users), users, seconds=1.0)
        for (_, kind), variant in VARIANTS.items()
        for users in (MORE_STEPS if full else STEPS)
    ]


def judge(seen: Evidence) -> Verdict:
    slopes = {}
    for variant in VARIANTS.values():
        held = seen.valid(variant)
        few, many = held[0], held[-1]
        more = float(many.step) - float(few.step)
        slopes[variant.name] = (many.estimates["pss_mib"].value - few.estimates["pss_mib"].value) / more * 1024 if more else 0.0
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
    chart=Chart("lines", "pss_mib", x="connections"),
    columns=("pss_mib", "sockets", "app_cpu"),
    misreading="This is the application's share alone: Nginx and the kernel hold buffers for each connection too.",
    judge=judge,
    compares=False,
)

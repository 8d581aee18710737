"""Connections that stay open: which services hold them, and which refuse them with a clear answer."""

from loadtest.experiment import Experiment
from loadtest.generator.parameters import Parameters
from loadtest.judging.evidence import Evidence
from loadtest.model import Cell, Chart, Load, loop, sync
from loadtest.results import Verdict

PAUSE = 1.0
SYNC, LOOP, DJANGO = sync(2), loop("fastapi"), loop("django")


def cells(full: bool) -> list[Cell]:
    """Each user sends a message, gets its echo, and is silent for a second."""
    found = []
    for variant in (LOOP, DJANGO):
        for users in (100, 500, 2000) if full else (300,):
            load = Load("closed", "sockets", Parameters(), users=users, pause=PAUSE)
            found.append(Cell(variant, load, users, {"throughput": users / PAUSE}, seconds=None if full else 2.0))
    return [*found, Cell(SYNC, Load("open", "refused-socket", Parameters(), rate=20), 1)]


def judge(seen: Evidence) -> Verdict:
    held = [cell for variant in (LOOP, DJANGO) for cell in seen.valid(variant)]
    refused = seen.cell(SYNC)
    checks = [seen.near(cell, "throughput", 0.05) for cell in held]
    checks.append(seen.true(f"{SYNC.name} answers 501 and says why, {refused.runs[0].counts['succeeded']} times", refused.valid))
    return seen.verdict(
        checks,
        holds="Both event loops hold their sockets and echo every message; Flask says in an answer that it cannot.",
        fails="The sockets are not held as was predicted.",
    )


EXPERIMENT = Experiment(
    name="sockets",
    question="Users keep a WebSocket open and say something each second. Who holds them?",
    claim="WebSockets need ASGI: a WSGI application never sees one, and should say so.",
    frame="equal cores",
    cells=cells,
    chart=Chart("lines", "throughput", x="sockets"),
    columns=("throughput", "app_cpu", "pss_mib", "sockets"),
    misreading="A socket that is open costs no request slot on a loop, and it is not free: see its memory.",
    judge=judge,
    compares=False,
)

"""Clients on slow connections, and which other clients have to wait for them."""

from loadtest.experiment import Experiment
from loadtest.generator.parameters import Parameters
from loadtest.judging.evidence import Evidence
from loadtest.model import Cell, Chart, Load, Variant, loop, sync
from loadtest.results import Verdict

UPLOAD = 1.0  # seconds that a slow client takes to send its request
DIRECT, PROXIED = sync(4, name="Flask, asked directly", proxied=False), sync(4, name="Flask, behind Nginx")
LOOP = loop("fastapi", name="FastAPI, asked directly", proxied=False)
WAIT, RATE = 0.01, 20
NORMAL = Load("open", "wait", Parameters(wait=WAIT), rate=RATE)
ALONE, BESIDE = "alone", "beside slow clients"


def cells(full: bool) -> list[Cell]:
    slow = Load("closed", "slow-upload", Parameters(wait=UPLOAD), users=100 if full else 8)

    def cell(variant: Variant, step: str) -> Cell:
        # Each slow client occupies a slot for the part of its second in which it does not queue; normal clients need few slots.
        line = UPLOAD * (1 - ((variant.slots or slow.users) - RATE * WAIT) / slow.users)
        predicted = {"p50": line + WAIT} if step == BESIDE and variant is DIRECT else {}
        return Cell(variant, NORMAL, step, predicted, background=(slow,) if step == BESIDE else (), seconds=None if full else 2.5)

    return [cell(DIRECT, ALONE), cell(DIRECT, BESIDE), cell(PROXIED, BESIDE), cell(LOOP, BESIDE)]


def judge(seen: Evidence) -> Verdict:
    exposed = seen.cell(DIRECT, BESIDE)
    others = (seen.cell(DIRECT, ALONE), seen.cell(PROXIED, BESIDE), seen.cell(LOOP, BESIDE))
    return seen.verdict(
        [seen.compare(exposed, other, "p50", more_than=10) for other in others],
        holds="Slow clients hold the workers that face them; behind Nginx, or on an event loop, nobody else notices them.",
        fails="Slow clients do not do to the others what was predicted.",
    )


EXPERIMENT = Experiment(
    name="slow-clients",
    question="Some clients take a second to send their request. What do normal ones see, with Nginx in front and without?",
    claim="Nginx takes slow clients upon itself; sync workers must not face them alone.",
    frame="equal cores",
    cells=cells,
    chart=Chart("bars", "p50", log_y=True),
    columns=("p50", "p95", "p99", "max", "busy_slots"),
    misreading="An event loop does not suffer from slow clients either; it needs the proxy for other reasons.",
    judge=judge,
)

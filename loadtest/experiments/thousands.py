"""One event loop and thousands of requests that wait."""

from loadtest.experiment import Experiment
from loadtest.generator.parameters import Parameters
from loadtest.judging.evidence import Evidence
from loadtest.metrics import number
from loadtest.model import Cell, Chart, Load, Variant, loop
from loadtest.results import Verdict

WAIT = 1.0
# Without Nginx: at this rate Nginx and the load generator would saturate the CPU that they share.
FASTAPI, DJANGO = loop("fastapi", proxied=False), loop("django", proxied=False)
STEPS = {FASTAPI: (1000, 3000), DJANGO: (200,)}
MORE_STEPS = {FASTAPI: (10, 100, 500, 1000, 2000, 3000), DJANGO: (10, 100, 200, 500, 750, 1000)}


# Seconds before a window and of it: whole rounds of all users. Django has more of them, because garbage collection sometimes stops it
# for a tenth of a second. Where a loop is saturated, requests come in waves, which take some rounds to even out.
STRAIGHT, BENT = {FASTAPI: (1.0, 4.1), DJANGO: (1.0, 6.2)}, (3.0, 6.0)


def cell(variant: Variant, users: int, warm_up: float, seconds: float) -> Cell:
    """A user gets an answer each second, if the loop has enough CPU time for all users."""
    load = Load("closed", "wait", Parameters(wait=WAIT), users=users)
    return Cell(variant, load, step=users, predicted={"throughput": users / WAIT}, seconds=seconds, warm_up=warm_up)


def cells(full: bool) -> list[Cell]:
    """The last step of FastAPI is beyond its saturation point. Django's saturation point is only measured in a full run."""
    steps = MORE_STEPS if full else STEPS
    return [cell(one, users, *(BENT if full or users > 1000 else STRAIGHT[one])) for one in steps for users in steps[one]]


def judge(seen: Evidence) -> Verdict:
    words = "; ".join(where_it_bends(seen, variant) for variant in (FASTAPI, DJANGO))
    return seen.verdict(
        [seen.near(seen.cell(FASTAPI, 1000), "throughput", 0.05)],
        holds="",
        fails="One FastAPI worker does not carry a thousand waiting requests here.",
        limit=f"One FastAPI worker carries a thousand waiting requests. {words}. What ends it is the CPU time of each request.",
    )


def where_it_bends(seen: Evidence, variant: Variant) -> str:
    """Describe the first step that falls behind users / wait, and where saturation must be according to the CPU time of a request."""
    cells = seen.valid(variant)
    bent = [one for one in cells if one.estimates["throughput"].high < 0.95 * one.predicted["throughput"]]
    each = cells[-1].estimates["cpu_us"].value
    costs = f"at {number(each)} µs a request a CPU is full at {number(1e6 / each)} a second"
    if bent:
        return f"{variant.name}: bends before {bent[0].step} users ({bent[0].limiter}); {costs}"
    beyond = [str(one.step) for one in seen.cells if one.variant == variant.name and not one.valid]
    unknown = f" (not valid: {', '.join(beyond)})" if beyond else ""
    return f"{variant.name}: straight on to {cells[-1].step} users{unknown}; {costs}"


EXPERIMENT = Experiment(
    name="thousands",
    question="How many requests that wait a second can one event loop hold?",
    claim="One ASGI worker carries hundreds or thousands of waiting requests.",
    frame="equal cores",
    cells=cells,
    chart=Chart("lines", "throughput", x="users", log_x=True, log_y=True),
    columns=("throughput", "p50", "p99", "cpu_us", "app_cpu", "loop_lag"),
    misreading="The straight line is not the speed of the server: it is users divided by their wait. Where it bends is the server's part.",
    judge=judge,
    compares=False,
)

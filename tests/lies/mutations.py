"""The planted lies: each is a mistake of a published benchmark, with the cell that it is told about and the rule that must catch it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from loadtest.generator.parameters import Parameters
from loadtest.model import Cell, Load, Variant, loop, sync
from tests.lies import reporting
from tests.lies.reporting import Values

SHORT = Parameters(wait=0.03)

LOOP = loop("fastapi")
WORKERS = sync(4)
# Without Nginx, a sync worker closes its connection after each answer. The kernel queues four connections for it; others wait a second
# before they retry.
FULL_QUEUE = sync(1, name="Flask, full accept queue", proxied=False, environment={"BACKLOG": "3"})


def lying(lie: str) -> Variant:
    """Return FastAPI with one fault, which lying_app.py contains."""
    return loop("fastapi", name=f"FastAPI that {lie}", environment={"LIE": lie})


DIRECT = replace(lying("sheds"), name="FastAPI that sheds, asked directly", proxied=False)


def closed(variant: Variant, users: int, wait: float, seconds: float | None = None) -> Cell:
    return Cell(variant, Load("closed", "wait", Parameters(wait=wait), users=users), users, seconds=seconds)


def held(variant: Variant = LOOP) -> Cell:
    """Return a cell with an event loop that holds all users."""
    return closed(variant, 24, 0.05)


def queued(variant: Variant = WORKERS) -> Cell:
    """Return a cell with three users for each worker."""
    return closed(variant, 12, 0.03)


def quick(variant: Variant = LOOP) -> Cell:
    """Return a cell with many requests for each user.

    A request that stalls for a second is not among the slowest hundredth.
    """
    return closed(variant, 8, 0.01, seconds=3.0)


ARRIVING = Cell(WORKERS, Load("open", "wait", SHORT, rate=80), "open")
CONNECTING = Cell(FULL_QUEUE, Load("burst", "wait", SHORT, users=8), "burst")

# Honest runs. The audit must call none of them a lie.
HONEST = {"held": held(), "queued": queued(), "quick": quick(), "arriving": ARRIVING, "connecting": CONNECTING}


@dataclass(frozen=True)
class Lie:
    """A lie: ``generator`` is one of liar.py's, ``report`` changes the values of an honest run, and ``rule`` is the audit's."""

    name: str
    rule: str
    cell: Cell
    generator: str = ""
    report: Callable[..., Values] | None = None


LIES = (
    Lie("p99 filled from p95", "percentiles", ARRIVING, report=reporting.p99_from_p95),
    Lie("p99 copied from the mean", "percentiles", ARRIVING, report=reporting.p99_from_mean),
    Lie("the maximum filled from p99", "percentiles", ARRIVING, report=reporting.max_from_p99),
    Lie("averaged percentiles", "percentiles", ARRIVING, report=reporting.averaged_percentiles),
    Lie("aborted requests counted", "counts agree", queued(sync(4, name="Flask, given up")), "counts_aborted"),
    Lie("fast 503s counted", "counts agree", held(lying("sheds")), "looks_at_no_answer"),
    Lie("fast 503s counted, without Nginx", "none too early", held(DIRECT), "looks_at_no_answer"),
    Lie("connect time left out", "Little's law", CONNECTING, "leaves_out_connecting"),
    Lie("a generator at 100 % CPU", "generator had room", held(), "is_busy"),
    Lie("too few connections", "connections", held(), "has_few_connections"),
    Lie("too few connections, and the wait left out", "Little's law", held(), "hides_few_connections"),
    Lie("another worker count", "as declared", queued(sync(4, name="Flask, 2 of 4 workers", environment={"WORKERS": "2"}))),
    Lie("half warm-up", "steady", held(), "opens_early"),
    Lie("responses swapped", "successes only", held(lying("swaps"))),
    Lie("a stall hidden by a closed loop", "no hidden stall", quick(lying("stalls"))),
)

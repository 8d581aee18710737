"""A server gets the order to reload or to stop while requests are in flight: how many of them are lost."""

from loadtest.experiment import Experiment
from loadtest.generator.parameters import Parameters
from loadtest.judging.evidence import Evidence
from loadtest.metrics import number
from loadtest.model import NAMES, Cell, Chart, Disturbance, Load, Variant, loop, sync
from loadtest.results import CellResult, Verdict

LONG = Parameters(wait=0.5)
# Two long requests are always in flight. Short ones, and POSTs, which Nginx may not retry, come and go beside them.
LOAD = Load("closed", "wait", LONG, users=2)
BESIDE = (Load("open", "wait", Parameters(wait=0.05), rate=20), Load("open", "echo", Parameters(), rate=20))
# More than the workers of two servers hold: the other requests wait in the kernel's accept backlog.
LINE = Load("burst", "wait", LONG, users=12)
RELOAD, STOP, LEAVE, LINED = "HUP", "TERM to one of two", "out of the list, TERM", "TERM, with a line"
ONE = {"flask": sync(4, name="Flask"), "fastapi": loop(name="FastAPI")}
PAIRS = {
    "flask": sync(4, name="Flask, two servers", replicas=2),
    "fastapi": loop(name="FastAPI, two servers", replicas=2),
    "django": loop("django", workers=2, name="Django, two servers"),
}
BARE = sync(4, name="Flask, asked directly", proxied=False)
# An event loop accepts a whole backlog at once, and so holds all of it.
LOOPS = (loop("django", name="Django, asked directly", proxied=False), loop(name="FastAPI, asked directly", proxied=False))


def cell(variant: Variant, step: str, disturbance: Disturbance) -> Cell:
    """Return a cell behind Nginx, where no loss is predicted."""
    return Cell(variant, LOAD, step, {"lost": 0}, BESIDE, seconds=1.5, disturbances=(disturbance,))


def lined(variant: Variant) -> Cell:
    """Return a burst that the servers cannot hold at once, with a stop while its first requests are served."""
    return Cell(variant, LINE, LINED, {"lost": 0}, disturbances=(Disturbance(LONG.wait / 2, "stop"),))


def cells(full: bool) -> list[Cell]:
    reloaded = [cell(variant, RELOAD, Disturbance(0.4, "reload")) for variant in ONE.values()]
    stopped = [cell(variant, STOP, Disturbance(0.4, "stop")) for variant in PAIRS.values()]
    left = cell(PAIRS["flask"], LEAVE, Disturbance(0.4, "leave"))
    bare = [lined(variant) for variant in (BARE, *(LOOPS if full else LOOPS[:1]))]
    return [*reloaded, *stopped, left, lined(PAIRS["flask"]), *bare]


def may_be_repeated(seen: Evidence, one: CellResult) -> float:
    """Return the lost requests that Nginx could have retried on the other server."""
    return max(run.values["lost"] - run.values["lost_posts"] for run in one.runs)


def judge(seen: Evidence) -> Verdict:
    bare = [one for one in seen.cells if one.variant in [variant.name for variant in (BARE, *LOOPS)]]
    kept = [
        *bare,
        *(seen.cell(variant, RELOAD) for variant in ONE.values()),
        *(seen.cell(PAIRS["flask"], step) for step in (LEAVE, LINED)),
    ]
    stopped = {service: seen.cell(pair, STOP) for service, pair in PAIRS.items()}
    gets = {one.key: may_be_repeated(seen, one) for one in stopped.values()}
    posts = {NAMES[service]: seen.worst(one, "lost_posts") for service, one in stopped.items()}
    told = ", ".join(f"{name} {number(times)}" for name, times in posts.items())
    return seen.verdict(
        [
            *(seen.at_most(one, "lost") for one in kept),
            *(seen.bound(f"{key}: {number(times)} GETs lost, predicted 0", times == 0) for key, times in gets.items()),
        ],
        holds="No reload lost any, no end of one of two servers, and no server that was asked directly whom it had in hand or in line.",
        fails="Requests were lost that a reload or an end should not cost.",
        limit=f"No reload lost any, no end of one of two servers a GET, and no server that was asked directly whom it had in hand or in "
        f"line. Nginx never sends a POST twice, and one that met a server which was just leaving is the limit (POSTs lost: {told}): take a "
        f"server out of Nginx's list before you stop it."
        if any(posts.values())
        else None,
    )


EXPERIMENT = Experiment(
    name="graceful",
    question="A server is told to reload, or to stop, while requests are in flight. How many are lost?",
    claim="Servers reload and stop gracefully.",
    frame="one service against itself",
    cells=cells,
    chart=Chart("bars", "lost"),
    columns=("lost", "lost_posts", "again", "met", "max"),
    misreading="Gunicorn's own sync worker resets whom it has not accepted yet; ours (gunicorn/sync.py) serves them. What comes after the "
    "end is the proxy's part.",
    judge=judge,
    compares=False,
    counts=True,
)

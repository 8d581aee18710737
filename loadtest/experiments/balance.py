"""Servers behind Nginx: the share of requests for each, and the losses when one server joins and another leaves."""

from math import sqrt

from loadtest.experiment import Experiment
from loadtest.generator.parameters import Parameters
from loadtest.judging.evidence import Evidence
from loadtest.metrics import number
from loadtest.model import Cell, Chart, Disturbance, Load, loop, sync
from loadtest.results import CellResult, Check, Verdict

# Three servers each, of which Nginx knows two at first. A request goes to the server with the fewest requests in flight, and in turn
# among equals.
SYNC = sync(2, name="Flask", replicas=3, standing_by=1)
LOOP = loop(name="FastAPI", replicas=3, standing_by=1)
DJANGO = loop("django", workers=3, name="Django", standing_by=1)
VARIANTS = (SYNC, LOOP, DJANGO)
LOAD = Load("open", "wait", Parameters(wait=0.05), rate=60)
POSTS = Load("open", "echo", Parameters(), rate=20)
TWO, CHANGING = "two servers", "a third comes, the first goes"
WARM_UP, COMES, GOES, SECONDS = 0.3, 0.4, 0.9, 1.8
# As a share of all arrivals: a third while there are three servers, and half after the first has left.
NEWCOMER = 100 * ((GOES - COMES) / 3 + (SECONDS - GOES) / 2) / (WARM_UP + SECONDS)


def cells(full: bool) -> list[Cell]:
    changes = (Disturbance(COMES, "join", server=2), Disturbance(GOES, "leave", server=0))
    even = [Cell(one, LOAD, TWO, {"share_1": 50, "share_2": 50, "lost": 0}, seconds=1.5, refusals=True) for one in VARIANTS]
    predicted = {"share_3": NEWCOMER, "lost": 0}
    return [*even, *(Cell(one, LOAD, CHANGING, predicted, (POSTS,), SECONDS, WARM_UP, disturbances=changes) for one in VARIANTS)]


def fair(cell: CellResult) -> Check:
    """Check that both servers got half, within three standard deviations: 1 / (2 √n) is that of the share in ``n`` coin tosses."""
    counted = sum(run.counts["succeeded"] for run in cell.runs)
    allowed = 3 * 100 / (2 * sqrt(counted))
    found = [cell.estimates[f"share_{server}"].value for server in (1, 2)]
    text = f"{cell.key}: {' and '.join(map(number, found))} % of {counted:,}, predicted 50 within {number(allowed)}"
    return Check(text, all(abs(share - 50) <= allowed for share in found), bound=True)


def came(cell: CellResult) -> Check:
    """Check that the third server got requests. Nginx needs up to some tenths of a second to apply a new list, and containers more."""
    found = cell.estimates["share_3"].value
    text = (
        f"{cell.key}: the third got {number(found)} %, predicted {number(NEWCOMER)} where it comes at once, and a quarter of that at least"
    )
    return Check(text, found >= NEWCOMER / 4, bound=True)


def judge(seen: Evidence) -> Verdict:
    even, changing = ([seen.cell(one, step) for one in VARIANTS] for step in (TWO, CHANGING))
    lost = sum(seen.worst(one, "lost") for one in changing)
    shares = ", ".join(f"{one.variant} {number(one.estimates['share_3'].value)} %" for one in changing)
    return seen.verdict(
        [
            *map(fair, even),
            *(seen.at_most(one, "lost") for one in (*even, *changing)),
            *map(came, changing),
        ],
        holds=f"Two servers got half each. A third that came got requests at once ({shares} of all), and the first left without a loss.",
        fails=f"Servers did not get the shares that were predicted, or {number(lost)} requests were lost when one came and one went.",
    )


EXPERIMENT = Experiment(
    name="balance",
    question="Two servers share the requests; a third comes, and the first goes. Who gets what, and what is lost?",
    claim="Nginx balances load over servers that come and go.",
    frame="one service against itself",
    cells=cells,
    chart=Chart("bars", "share_3"),
    columns=("share_1", "share_2", "share_3", "lost", "again"),
    misreading="Equal shares of requests are not equal shares of work, where requests differ: that is why Nginx counts what is in flight.",
    judge=judge,
    compares=False,
    counts=True,
)

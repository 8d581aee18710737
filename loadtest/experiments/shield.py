"""One client floods the service: what it gets, and how it affects other clients, with Nginx's limits and without."""

from loadtest.experiment import Experiment
from loadtest.generator.parameters import Parameters
from loadtest.judging.evidence import Evidence
from loadtest.metrics import number
from loadtest.model import Cell, Chart, Load, loop
from loadtest.results import CellResult, Check, Verdict

RATE, BURST = 40, 40  # a client's requests per second, and how many it may be ahead of that rate
AT_ONCE = 20  # served at once, as in nginx/templates/rate.conf.template; further requests of a burst are delayed to the rate
# Each load acts as the proxy in front of Nginx, and names its client's address. A single machine does not have two addresses on every
# system.
BEHIND_A_PROXY = {"FRONT_PROXY": "0.0.0.0/0"}
ON = loop(
    name="FastAPI, with limits",
    proxy=BEHIND_A_PROXY | {"UNLIMITED_CLIENTS": "", "RATE_LIMIT": str(RATE), "RATE_BURST": str(BURST), "CONNECTION_LIMIT": "1000"},
)
OFF = loop(name="FastAPI, without", proxy=BEHIND_A_PROXY | {"UNLIMITED_CLIENTS": "0.0.0.0/0 1;"})
# Addresses from RFC 5737, which are reserved for documentation.
GOOD = Load("open", "wait", Parameters(wait=0.05), rate=25, source="192.0.2.1")
# A refusal takes a second, so with limits its users send about a hundred requests a second. Without limits, they saturate the loop.
FLOOD = Load("closed", "cpu", Parameters(work=10), users=120, pause=0.2, source="198.51.100.1")
CALM, FLOODED = "alone", "beside a flood"


def cells(full: bool) -> list[Cell]:
    def cell(variant: object, step: str, **predicted: float) -> Cell:
        beside = (FLOOD,) if step == FLOODED else ()
        return Cell(variant, GOOD, step, predicted, beside, None if full else 2.0, 0.6, refusals=True)  # type: ignore[arg-type]

    return [cell(ON, CALM), cell(ON, FLOODED, beside_rate=RATE), cell(OFF, FLOODED)]


def allowed(cell: CellResult) -> Check:
    """Check that the flood got what a leaky bucket passes, within 5 % and one request: the undelayed ones, one more, and the rate.

    limit_req counts how far a client is ahead of its rate. It delays a request that is ahead by more than "delay", and refuses one
    that would be ahead by more than the burst.
    https://nginx.org/en/docs/http/ngx_http_limit_req_module.html
    """
    found = sum(run.values["beside"] for run in cell.runs)
    expected = sum(AT_ONCE + 1 + RATE * run.values["beside_seconds"] for run in cell.runs)
    text = f"{cell.key}: {number(found)} of the flood answered, predicted {number(expected)} ({AT_ONCE} at once + 1 + rate x time)"
    return Check(text, abs(found - expected) <= 0.05 * expected + len(cell.runs), bound=True)


def judge(seen: Evidence) -> Verdict:
    calm, limited, open_ = seen.cell(ON, CALM), seen.cell(ON, FLOODED), seen.cell(OFF, FLOODED)
    spared, refused = seen.worst(limited, "own_lost"), seen.worst(limited, "refused")
    times = {one.key: seen.ratio(one, calm, "p99").value for one in (limited, open_)}
    return seen.verdict(
        [
            allowed(limited),
            seen.near(limited, "beside_rate", 0.1),
            seen.bound(f"{limited.key}: {number(spared)} of the other client's requests lost, predicted 0", spared == 0),
            seen.unless(seen.compare(limited, calm, "p99", more_than=2)),
            seen.compare(open_, calm, "p99", more_than=2),
        ],
        holds=f"The flood got its rate, and a 429 beyond ({number(refused)} times). The other client lost none, and its "
        f"p99 was {number(times[limited.key])} times its calm one; without limits {number(times[open_.key])} times.",
        fails="The flood got more or less than its rate, or the other client felt it behind the limits, or felt nothing without them.",
    )


EXPERIMENT = Experiment(
    name="shield",
    question="One client floods the service. What does it get, and what do others notice, with limits and without?",
    claim="Nginx filters and rate-limits.",
    frame="one service against itself",
    cells=cells,
    chart=Chart("bars", "p99", log_y=True),
    columns=("p50", "p99", "own_lost", "refused", "beside_rate"),
    misreading="A limit for each client helps against one client. A thousand clients at a moderate rate are no flood to it.",
    judge=judge,
)

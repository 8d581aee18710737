"""A page of messages with their authors: in one database query, or with one more query for each message."""

from loadtest.experiment import Experiment
from loadtest.generator.parameters import Parameters
from loadtest.judging.evidence import Evidence
from loadtest.metrics import duration, number
from loadtest.model import Cell, Chart, Load, Variant, loop, sync
from loadtest.results import Check, Verdict

USERS = POOL = 4
PAGE, SHORT = 20, 4
JOINED, EACH, EACH_SHORT = f"{PAGE} joined", f"{PAGE} one by one", f"{SHORT} one by one"
LOADS = {
    JOINED: Load("closed", "listing", Parameters(limit=PAGE), users=USERS),
    EACH_SHORT: Load("closed", "listing-each", Parameters(limit=SHORT), users=USERS),
    EACH: Load("closed", "listing-each", Parameters(limit=PAGE), users=USERS),
}
THREADS = sync(1, threads=POOL, pool=POOL)
FASTAPI, DJANGO = (loop(service, pool=POOL) for service in ("fastapi", "django"))
VARIANTS = (THREADS, FASTAPI, DJANGO)
SECONDS = 1.5
# Error allowed for a prediction from round trips: a short page also has fewer rows.
NEAR = 0.25
# With one query for each row, at least this many times fewer answers.
LESS = 3


def predicted(seen: Evidence, variant: Variant) -> Check:
    """Check the time of a page, predicted from its round trips.

    The short page shows the time of one round trip: the time between two answers grows by that for each.
    """
    one, few, many = (1 / seen.cell(variant, step).estimates["throughput"].value for step in (JOINED, EACH_SHORT, EACH))
    trip = (few - one) / SHORT
    expected = one + PAGE * trip
    text = (
        f"{variant.name}: an answer each {duration(many)} with {PAGE + 1} round trips, predicted {duration(expected)} "
        f"from {duration(trip)} a round trip ({many / expected:.2f})"
    )
    return Check(text, abs(many / expected - 1) <= NEAR, bound=True)


def judge(seen: Evidence) -> Verdict:
    checks, told = [], []
    for variant in VARIANTS:
        joined, each = seen.cell(variant, JOINED), seen.cell(variant, EACH)
        checks += [predicted(seen, variant), seen.compare(joined, each, "throughput", more_than=LESS)]
        checks.append(seen.compare(each, joined, "database_us", more_than=LESS))
        less, work = seen.ratio(joined, each, "throughput"), seen.ratio(each, joined, "database_us")
        told.append(
            f"{variant.name} {number(less.value)} times ({number(less.low)} to {number(less.high)}), with {number(work.value)} times the "
            "database's CPU time a request"
        )
    return seen.verdict(
        checks,
        holds=f"One question answers more pages than {PAGE + 1}: {'; '.join(told)}. The cost grows with each round trip.",
        fails="A question for each row does not cost what its round trips do.",
    )


EXPERIMENT = Experiment(
    name="n-plus-one",
    question=f"A page of {PAGE} messages with their authors in one question to the database, or in {PAGE + 1}. What does the second cost?",
    claim="A query for each row costs a round trip for each row, whatever the framework.",
    frame="equal slots",
    cells=lambda full: [
        Cell(variant, load, step, seconds=None if full else SECONDS) for step, load in LOADS.items() for variant in VARIANTS
    ],
    chart=Chart("bars", "throughput"),
    columns=("throughput", "p50", "p99", "cpu_us", "database_us", "database_cpu"),
    misreading="The database is on this machine, and a round trip takes it a fraction of a millisecond. Between two machines it takes "
    "more, and the page of many questions gets slower by that for each of them; the page of one hardly does.",
    judge=judge,
)

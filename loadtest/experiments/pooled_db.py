"""The same number of database connections for threads and for event loops: where that is the limit, neither is faster."""

from loadtest.experiment import Experiment
from loadtest.generator.parameters import Parameters
from loadtest.judging.evidence import Evidence, predicted_throughput
from loadtest.metrics import number
from loadtest.model import Cell, Chart, Load, Variant, loop, sync
from loadtest.results import Verdict

# So few users that the last one in the queue gets a connection before the service's time-out (WAIT_SECONDS in database/common.py).
WAIT, USERS, POOL = 0.1, 12, 4
THREADS = sync(1, threads=POOL, pool=POOL)
FASTAPI, DJANGO = (loop(service, pool=POOL) for service in ("fastapi", "django"))
VARIANTS = (THREADS, FASTAPI, DJANGO)
LOAD = Load("closed", "query", Parameters(wait=WAIT, calls=1, work=0), users=USERS)
# Twenty-five requests of a connection, one after another.
SECONDS = 25 * WAIT
# A loop has an advantage where its throughput is more than this many times that of threads.
MORE = 1.25


def cell(variant: Variant, full: bool) -> Cell:
    """Each connection serves one request after another, whether threads or a loop hold the queued ones."""
    made = Cell(variant, LOAD, f"{POOL} connections")
    return Cell(variant, LOAD, made.step, {"throughput": predicted_throughput(made) or 0.0}, seconds=None if full else SECONDS)


def judge(seen: Evidence) -> Verdict:
    threads, *loops = (seen.cell(variant) for variant in VARIANTS)
    checks = [seen.near(one, "throughput", 0.05) for one in (threads, *loops)]
    checks += [seen.unless(seen.compare(one, threads, "throughput", more_than=MORE)) for one in loops]
    ratios = [seen.ratio(one, threads, "throughput") for one in loops]
    told = " and ".join(
        f"{one.variant} {number(found.value)} times ({number(found.low)} to {number(found.high)})"
        for one, found in zip(loops, ratios, strict=True)
    )
    return seen.verdict(
        checks,
        holds=f"With {POOL} connections each, an event loop answers no more than {POOL} threads: {told} what these answer.",
        fails=f"With {POOL} connections each, they do not answer alike: {told} what {POOL} threads answer.",
    )


EXPERIMENT = Experiment(
    name="pooled-db",
    question=f"{USERS} users, each request waits {WAIT:g} s in the database, and each service has {POOL} connections. Who answers more?",
    claim="Where the database is the limit, async wins nothing.",
    frame="equal slots",
    cells=lambda full: [cell(variant, full) for variant in VARIANTS],
    chart=Chart("bars", "throughput"),
    columns=("throughput", "p50", "p99", "cpu_us", "database_us", "busy_slots"),
    misreading="Nobody is slow here: a request is served in the time that the database takes, and stands in line before that, in the "
    "server or before the pool. More connections answer more of them, while the database has room: pool-sizing.",
    judge=judge,
)

"""The size of the database connection pool: larger while requests wait there, at most the database's CPUs while they compute."""

from loadtest.experiment import Experiment
from loadtest.generator.parameters import Parameters
from loadtest.judging.evidence import Evidence, predicted_throughput, times
from loadtest.metrics import duration
from loadtest.model import Cell, Chart, Load, Variant, loop, sync
from loadtest.results import CellResult, Verdict

USERS = 8
WAIT, WORK = "a wait of 100 ms", "work for the database's CPU"
LOADS = {
    WAIT: Load("closed", "query", Parameters(wait=0.1, calls=1, work=0), users=USERS),
    WORK: Load("closed", "query", Parameters(wait=0.0, calls=1, work=60), users=USERS),
}
# Where requests wait, one connection is too few: the last user in the queue would get it only after the service's time-out
# (WAIT_SECONDS in database/common.py).
SIZES = {WAIT: (2, 4, 16), WORK: (1, 4, 16)}
MORE_SIZES = {WAIT: (2, 4, 8, 16), WORK: (1, 2, 4, 8, 16)}
# The stack's Flask service: this many workers with one connection each.
USUAL = 4
# In a quick run: a whole number of waits; and where a CPU is the limit, long enough to average out its changing speed.
SECONDS = {WAIT: 2.0, WORK: 6.0}
# A difference counts from this factor on: an event loop against threads, or another pool size.
MORE = 1.25


def threads(size: int) -> Variant:
    """Return Flask with that many threads, each with a connection."""
    return sync(1, threads=size, pool=size)


def of_loop(size: int) -> Variant:
    """Return FastAPI, whose loop holds all requests, with that many connections."""
    return loop(pool=size, name=f"FastAPI, pool of {size}")


def cells(full: bool) -> list[Cell]:
    """min(users, connections) / wait. For work in the database, only its limit of one CPU is known before the run."""
    found = []
    for step, load in LOADS.items():
        for size in (MORE_SIZES if full else SIZES)[step]:
            for variant in (threads(size), of_loop(size)):
                predicted = predicted_throughput(Cell(variant, load, step))
                seconds = None if full else SECONDS[step]
                found.append(Cell(variant, load, step, {"throughput": predicted} if predicted else {}, seconds=seconds))
    return found


def judge(seen: Evidence) -> Verdict:
    waits, works = (
        {size: (seen.cell(threads(size), step), seen.cell(of_loop(size), step)) for size in (MORE_SIZES if seen.full else SIZES)[step]}
        for step in LOADS
    )
    checks = [seen.near(one, "throughput", 0.05) for pair in waits.values() for one in pair]
    # With the same number of connections, async has no advantage at any size.
    equals = [(loops, threaded) for pairs in (waits, works) for threaded, loops in pairs.values()]
    checks += [seen.unless(seen.compare(loops, threaded, "throughput", more_than=MORE)) for loops, threaded in equals]
    # The predicted optimum for work is one connection for the one CPU: the largest pool is not faster.
    for kind in (0, 1):
        checks.append(seen.unless(seen.compare(works[max(works)][kind], works[1][kind], "throughput", more_than=MORE)))
    most = max((seen.ratio(*pair, "throughput") for pair in equals), key=lambda found: found.value)
    return seen.verdict(
        checks,
        holds=f"At equal connections a loop answers at most {times(most)} what threads do. Against the usual {USUAL} slots it helps "
        f"while requests wait ({against(seen, waits)}), up to as many connections as users ask at once ({USERS}); and not where the "
        f"database's CPU is full ({against(seen, works)}; measured best of a loop: {best(works)}, predicted: 1).",
        fails="Pools of these sizes do not do what was predicted.",
    )


def against(seen: Evidence, pairs: dict[int, tuple[CellResult, CellResult]]) -> str:
    """Compare the loop with each pool size with the usual slots."""
    return ", ".join(f"pool of {size} {times(seen.ratio(loops, pairs[USUAL][0], 'throughput'))}" for size, (_, loops) in pairs.items())


def best(pairs: dict[int, tuple[CellResult, CellResult]]) -> str:
    """Return the smallest size whose throughput is near the highest, with the p99 of the smallest and of the largest size."""
    rates = {size: loops.estimates["throughput"].value for size, (_, loops) in pairs.items()}
    least = min(size for size, rate in rates.items() if rate * MORE >= max(rates.values()))
    tails = [duration(loops.estimates["p99"].value) for _, loops in (pairs[min(pairs)], pairs[max(pairs)])]
    return f"{least}, with p99 {tails[0]} at {min(pairs)} and {tails[1]} at {max(pairs)}"


EXPERIMENT = Experiment(
    name="pool-sizing",
    question="How many connections to the database should a service have, and does an event loop do more with them than threads?",
    claim="As many as the requests that wait there at once; of those that keep its CPU busy, as many as it has CPUs.",
    frame="equal slots",
    cells=cells,
    chart=Chart("bars", "throughput"),
    columns=("throughput", "p50", "p99", "database_cpu", "database_us", "app_cpu"),
    misreading="A larger pool is no faster: where the database's CPU is full it moves the line from the service into the database, where "
    "each query slows down all others. And connections are not free: each is a process there.",
    judge=judge,
)

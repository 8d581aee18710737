"""How many connections to the database: more of them while they wait there, and no more than it has CPUs while they work."""

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
# Where requests wait, one connection would be too few: the last of the users had it after more than the service waits (WAIT_SECONDS in
# database/common.py).
SIZES = {WAIT: (2, 4, 16), WORK: (1, 4, 16)}
MORE_SIZES = {WAIT: (2, 4, 8, 16), WORK: (1, 2, 4, 8, 16)}
# Of the stack's Flask: that many workers, each with a connection.
USUAL = 4
# Of a quick run: a whole number of waits; and where a CPU is the limit, the machine's own pace has to even out.
SECONDS = {WAIT: 2.0, WORK: 6.0}
# More than this many times is more: an event loop against threads, or another size.
MORE = 1.25


def threads(size: int) -> Variant:
    """Flask with that many threads, each with a connection."""
    return sync(1, threads=size, pool=size)


def of_loop(size: int) -> Variant:
    """FastAPI, whose loop holds all requests, with that many connections."""
    return loop(pool=size, name=f"FastAPI, pool of {size}")


def cells(full: bool) -> list[Cell]:
    """min(users, connections) / wait; of the database's work nothing is known before but that one CPU does it."""
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
    # At equal connections async helps at no size.
    equals = [(loops, threaded) for pairs in (waits, works) for threaded, loops in pairs.values()]
    checks += [seen.unless(seen.compare(loops, threaded, "throughput", more_than=MORE)) for loops, threaded in equals]
    # The predicted optimum of work is one connection for the one CPU: the largest pool does not do more.
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
    """The loop with each size against the usual slots."""
    return ", ".join(f"pool of {size} {times(seen.ratio(loops, pairs[USUAL][0], 'throughput'))}" for size, (_, loops) in pairs.items())


def best(pairs: dict[int, tuple[CellResult, CellResult]]) -> str:
    """The least size that comes near the most, with the tails of the least and the largest."""
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

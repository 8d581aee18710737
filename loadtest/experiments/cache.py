"""The summary of a large board, computed by the database for each request, or cached in Valkey for three seconds."""

from loadtest.experiment import Experiment
from loadtest.generator.parameters import Parameters
from loadtest.judging.evidence import Evidence, times
from loadtest.metrics import number
from loadtest.model import Cell, Chart, Load, Variant, loop, sync
from loadtest.results import CellResult, Check, Verdict

# Users pause: otherwise cached answers come so fast that Nginx and the load generator are busier than the service. There are so few
# users that the last one in the queue gets a connection before the service's time-out (WAIT_SECONDS in database/common.py).
USERS, PAUSE, BURST, POOL = 32, 0.05, 16, 4
# A cached value is fresh for this long (cache/entries.py).
FRESH_SECONDS = 3
ON, AT_ONCE = f"{USERS} users, on and on", f"{BURST} at once, nothing kept"
LOADS = {
    ON: Load("closed", "summary", Parameters(), users=USERS, pause=PAUSE),
    AT_ONCE: Load("burst", "summary", Parameters(), users=BURST),
}


def kinds(cache: bool) -> tuple[Variant, Variant]:
    """Return threads, which block while they wait, and an event loop, which does not; with the cache or without."""
    words = "with a cache" if cache else "without"
    return (
        sync(1, threads=POOL, pool=POOL, cache=cache, name=f"Flask, {POOL} threads, {words}"),
        loop(pool=POOL, cache=cache, name=f"FastAPI, {words}"),
    )


WITHOUT, WITH = kinds(False), kinds(True)
# Seconds by (full run, with a cache). With a cache, the value expires inside the window and not at its end. The cache is empty before
# the warm-up.
WARM_UP = 0.3
SECONDS = {(False, False): 1.2, (False, True): 3.3, (True, False): 10.0, (True, True): 10.0}
# With a cache, at least this many times as many answers, and this many times less database time and CPU time of the service.
MORE, LESS, CHEAPER = 1.5, 4, 1.25
# The time that Valkey and the service itself take, as a share of a user's pause.
NEAR = 0.1


def computed(seconds: float) -> int:
    """Return how often the database is queried, for any number of users: once at first, and once whenever the value has expired."""
    return 1 + int((WARM_UP + seconds) / FRESH_SECONDS)


def cells(full: bool) -> list[Cell]:
    """Of the requests with a cache, those before the first answer miss, at most one per user, and one whenever the value expires.

    All requests of the users are answered, users / pause: a wait for Valkey is too short to matter, in threads and on a loop.
    """
    found = []
    for variant in (*WITHOUT, *WITH):
        seconds = SECONDS[full, variant.cache]
        times = computed(seconds)
        kept = {"throughput": USERS / PAUSE, "computed": float(times), "misses": float(USERS + times - 1)}
        on = kept if variant.cache else {}
        found.append(Cell(variant, LOADS[ON], ON, on, seconds=seconds, warm_up=WARM_UP))
        found.append(Cell(variant, LOADS[AT_ONCE], AT_ONCE, {"computed": 1.0} if variant.cache else {}))
    return found


def judge(seen: Evidence) -> Verdict:
    checks: list[Check] = []
    told = []
    for without, kept in zip(WITHOUT, WITH, strict=True):
        plain, cached = seen.cell(without, ON), seen.cell(kept, ON)
        checks += [seen.near(cached, "computed", 0.0), seen.at_most(cached, "misses"), seen.near(seen.cell(kept, AT_ONCE), "computed", 0.0)]
        checks += [
            seen.near(cached, "throughput", NEAR),
            seen.compare(cached, plain, "throughput", more_than=MORE),
            seen.compare(plain, cached, "database_us", more_than=LESS),
            seen.compare(plain, cached, "cpu_us", more_than=CHEAPER),
            seen.compare(seen.cell(without, AT_ONCE), seen.cell(kept, AT_ONCE), "database_us", more_than=LESS),
        ]
        told.append(
            f"{kept.name}, answers {times(seen.ratio(cached, plain, 'throughput'))} what it does without, for "
            f"{times(seen.ratio(cached, plain, 'cpu_us'))} its own CPU time a request, and {shown(cached)}"
        )
    threads, loops = (seen.cell(variant, ON) for variant in WITH)
    return seen.verdict(
        checks,
        holds=f"One request computes for all, at once or one after another: {'; '.join(told)}. A wait for Valkey holds nobody up: of "
        f"{USERS / PAUSE:.0f} a second that are asked a loop answers {times(seen.ratio(loops, threads, 'throughput'))} what threads do.",
        fails="A cache does not spare the database what was predicted.",
    )


def shown(cell: CellResult) -> str:
    """Return the share of hits, and the number of database queries behind it."""
    ratio, times = (cell.estimates[name].value for name in ("hit_ratio", "computed"))
    return f"{ratio:.1f} % of answers were kept ones, with {number(times)} questions to the database"


EXPERIMENT = Experiment(
    name="cache",
    question=f"A summary of 3,000 messages, for {USERS} users on and on, and for {BURST} at once. What does keeping it for a while bring?",
    claim="However many ask, the database is asked once, and once again when what is kept has run out.",
    frame="equal slots",
    cells=cells,
    chart=Chart("bars", "throughput"),
    columns=("throughput", "makespan", "p50", "p99", "cpu_us", "database_us", "cache_us", "computed", "hit_ratio"),
    misreading="What is kept is up to three seconds old, or ten in a race. How much that brings depends on what the question costs, "
    "and on how many ask for the same: of a board that one visitor an hour looks at, nothing is ever kept.",
    judge=judge,
)

"""One Django project with its ORM, through WSGI and through ASGI, with sync and with async views."""

from loadtest.experiment import Experiment
from loadtest.generator.parameters import Parameters
from loadtest.judging.evidence import Evidence, predicted_throughput, times
from loadtest.model import Cell, Chart, Load, Variant
from loadtest.results import Check, Verdict

# So few users that the last one in the queue gets a connection before the service's time-out (WAIT_SECONDS in database/common.py).
WAIT, USERS, POOL = 0.08, 12, 4
# A user's pause between two pages. The comparison is of the CPU time of one page, at a rate that all four variants can serve.
PAUSE = 0.05
SYNC_VIEWS = {"DJANGO_SETTINGS_MODULE": "sync_settings"}


def variant(wsgi: bool, sync: bool) -> Variant:
    """Return a variant. WSGI has as many threads as connections.

    Through ASGI, a sync view has a thread for each request, and an async view waits for one of the four threads, one per connection.
    """
    name = f"Django, {'WSGI' if wsgi else 'ASGI'}, {'sync' if sync else 'async'} view"
    return Variant(name, "django", threads=POOL if wsgi else 1, pool=POOL, wsgi=wsgi, environment=SYNC_VIEWS if sync else {})


BY_WSGI = variant(wsgi=True, sync=True)
BY_ASGI = (variant(wsgi=False, sync=True), variant(wsgi=False, sync=False))
VARIANTS = (BY_WSGI, variant(wsgi=True, sync=False), *BY_ASGI)
WAITS, ROWS = f"a wait of {WAIT * 1000:g} ms in the database", "a page of 20 rows by the ORM"
LOADS = {
    WAITS: Load("closed", "query", Parameters(wait=WAIT, calls=1, work=0), users=USERS),
    ROWS: Load("closed", "listing", Parameters(limit=20), users=USERS, pause=PAUSE),
}
# In a quick run: twenty requests of a connection one after another, and about three hundred pages.
SECONDS = {WAITS: 20 * WAIT, ROWS: 1.5}
# A difference counts from this factor on.
MORE = 1.25


def cells(full: bool) -> list[Cell]:
    """min(threads, connections) / wait, for either interface. No rate is predicted for a page of rows."""
    found = []
    for step, load in LOADS.items():
        for one in VARIANTS:
            predicted = predicted_throughput(Cell(one, load, step))
            found.append(Cell(one, load, step, {"throughput": predicted} if predicted else {}, seconds=None if full else SECONDS[step]))
    return found


def judge(seen: Evidence) -> Verdict:
    checks: list[Check] = [seen.near(seen.cell(one, WAITS), "throughput", 0.05) for one in VARIANTS]
    first, *others = (seen.cell(one, ROWS) for one in VARIANTS)
    # Through ASGI the ORM waits in a thread, whatever the view is: one switch to the thread and one back.
    of_sync, of_async = (seen.cell(one, ROWS) for one in BY_ASGI)
    checks += [seen.unless(seen.compare(a, b, "cpu_us", more_than=MORE)) for a, b in ((of_sync, of_async), (of_async, of_sync))]
    told = ", ".join(f"{other.variant} {times(seen.ratio(other, first, 'cpu_us'))}" for other in others)
    return seen.verdict(
        checks,
        holds=f"All four answer what {POOL} connections let them. Of the CPU time of {first.variant} a page takes {told}. By ASGI the "
        f"kind of view makes no difference, {times(seen.ratio(of_async, of_sync, 'cpu_us'))}: the ORM waits in a thread.",
        fails="With its ORM, Django on its two interfaces does not do what was predicted.",
    )


EXPERIMENT = Experiment(
    name="django-both",
    question="One Django project with its ORM: by WSGI and by ASGI, with sync views and with async ones. What does each of the four cost?",
    claim="Django runs on both, and views of either kind keep working. With the ORM the connections are the limit of all four.",
    frame="equal slots",
    cells=cells,
    chart=Chart("bars", "cpu_us"),
    columns=("throughput", "p50", "p99", "cpu_us", "database_us", "threads", "busy_slots"),
    misreading="This is a Django whose views ask the database and nothing else. One that waits for other services, or holds sockets, "
    "has waits that need no thread: upstream, thousands and sockets show what a loop is for.",
    judge=judge,
)

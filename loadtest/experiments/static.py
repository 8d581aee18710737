"""One file, from Nginx and from each application."""

from loadtest.experiment import Experiment
from loadtest.generator.parameters import Parameters
from loadtest.judging.evidence import Evidence
from loadtest.metrics import number
from loadtest.model import Cell, Chart, Load, loop, sync
from loadtest.results import Verdict

SYNC, LOOP, DJANGO = sync(2), loop("fastapi"), loop("django")
# Some requests per second from users who pause: the cost of a request is measured, not its latency.
PAUSE, USERS = 0.1, 5
NGINX = "by Nginx itself"


def cells(full: bool) -> list[Cell]:
    def load(workload: str) -> Load:
        return Load("closed", workload, Parameters(), users=USERS, pause=PAUSE)

    seconds = None if full else 1.5
    found = [Cell(variant, load("static"), "by the application", seconds=seconds) for variant in (SYNC, LOOP, DJANGO)]
    return [*found, Cell(SYNC, load("static-by-nginx"), NGINX, seconds=seconds)]


def judge(seen: Evidence) -> Verdict:
    nginx = seen.cell(SYNC, NGINX)
    apps = [seen.cell(variant, "by the application") for variant in (SYNC, LOOP, DJANGO)]
    times = ", ".join(f"{one.variant} {number(seen.ratio(one, nginx, 'total_us').value)}" for one in apps)
    return seen.verdict(
        [seen.compare(one, nginx, "total_us", more_than=2) for one in apps],
        holds=f"From an application the file costs several times the CPU time that it costs from Nginx: {times} times.",
        fails="The file does not cost an application clearly more than it costs Nginx.",
    )


EXPERIMENT = Experiment(
    name="static",
    question="What does it cost to answer with a file of 16 KiB, from Nginx and from each application behind it?",
    claim="Nginx serves static files itself, for a fraction of what an application needs.",
    frame="equal cores",
    cells=cells,
    chart=Chart("bars", "total_us"),
    columns=("throughput", "cpu_us", "proxy_us", "total_us"),
    misreading="Nobody notices this at ten requests a second. It counts where files are most of the requests.",
    judge=judge,
)

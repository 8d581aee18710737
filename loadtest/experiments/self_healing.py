"""A worker is killed, crashes or hangs: what is lost with it, and when its replacement serves."""

from typing import Literal

from loadtest.experiment import Experiment
from loadtest.generator.parameters import Parameters
from loadtest.judging.evidence import Evidence, NotValidError, not_usable
from loadtest.metrics import duration, number
from loadtest.model import Cell, Chart, Disturbance, Load, Variant, loop, sync
from loadtest.results import CellResult, Verdict

TIMEOUT = 2  # seconds; the stack's own is longer than its longest request, and nothing in this experiment takes that long
PATIENT = {"TIMEOUT": str(TIMEOUT)}
SYNC, LOOP = sync(4, environment=PATIENT), loop(workers=2, environment=PATIENT)
# Each user has one request in flight: a sync worker holds one of them, and a loop at most all of them.
USERS = 4
WAIT = Parameters(wait=0.2)
KILLED, CRASHED, HUNG = "SIGKILL", "SIGSEGV", "hung (SIGSTOP)"
What = Literal["kill", "crash", "hang"]
WHAT: dict[str, What] = {KILLED: "kill", CRASHED: "crash", HUNG: "hang"}
# Gunicorn checks its workers once a second. It aborts a worker that was silent for TIMEOUT, and kills it at the next check. Then a
# new worker starts and imports its application.
START = 3.0
WITHIN = {KILLED: START, CRASHED: START, HUNG: TIMEOUT + 2 + START}
AT = 0.5  # seconds from the start of a window to the disturbance
# The load uses a tenth of a CPU, and a starting worker at most one CPU. Where all CPUs are used, it waits for other programs.
BUSY = 0.9


def cell(variant: Variant, step: str) -> Cell:
    """A worker loses the requests that it holds, and no more."""
    held = 1 if variant is SYNC else USERS
    seconds = AT + WITHIN[step] + 0.5  # a replacement later than this does not fall into the window
    load = Load("closed", "wait", WAIT, users=USERS)
    predicted = {"lost": held, "replaced": WITHIN[step]}
    return Cell(variant, load, step, predicted, seconds=seconds, disturbances=(Disturbance(AT, WHAT[step]),))


def cells(full: bool) -> list[Cell]:
    killed = [cell(variant, KILLED) for variant in (SYNC, LOOP)]
    return [*killed, cell(SYNC, CRASHED), *([cell(LOOP, CRASHED)] if full else []), *(cell(variant, HUNG) for variant in (SYNC, LOOP))]


def judge(seen: Evidence) -> Verdict:
    found = [one for variant in (SYNC, LOOP) for one in seen.all(variant)]
    missing = [one.key for one in found if any("replaced" not in run.values for run in one.runs)]
    late = [one for one in found if one.key in missing or seen.worst(one, "replaced") > one.predicted["replaced"]]
    if busy := {one.key: words for one in late if (words := waited_for_others(one))}:
        raise NotValidError(not_usable(busy))
    checks = [seen.true("another worker came for each that was lost" + f", not in {', '.join(missing)}" * bool(missing), not missing)]
    checks += [seen.at_most(one, "lost") for one in found]
    checks += [seen.at_most(one, "replaced") for one in found if one.key not in missing]
    lost = max(seen.worst(one, "lost") for one in found)
    after = {step: max(seen.worst(one, "recovery") for one in found if one.step == step) for step in (KILLED, HUNG)}
    return seen.verdict(
        checks,
        holds="",
        fails="A worker that ended was not replaced in time, or took more with it than it held.",
        limit=f"Each worker was replaced. What it held was lost, {number(lost)} at most. A killed one is "
        f"noticed at once (the last trouble {duration(after[KILLED])} later), a hung one after its time-out ({duration(after[HUNG])}).",
    )


def waited_for_others(one: CellResult) -> str | None:
    """Return why a slow start says nothing about the service, and ``None`` where this machine had enough CPU for it."""
    shares = [run.watched["machine_busy"] / run.watched["machine_cpus"] for run in one.runs if "machine_busy" in run.watched]
    if not shares or max(shares) < BUSY:
        return None
    return f"other programs: {max(shares):.0%} of this machine's CPUs were used, for a load that needs a tenth of one"


EXPERIMENT = Experiment(
    name="self-healing",
    question="A worker is killed, crashes, or hangs. What is lost, and when is all as before?",
    claim="The process manager replaces workers that crash or hang.",
    frame="one service against itself",
    cells=cells,
    chart=Chart("bars", "recovery"),
    columns=("lost", "met", "recovery", "replaced"),
    misreading="Nothing heals what the worker held. A second server behind the proxy answers a GET again; this service had one alone.",
    judge=judge,
    compares=False,
    counts=True,
)

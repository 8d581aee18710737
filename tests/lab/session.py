"""A session of one experiment, made for a test: ``python -m tests.lab.session FOLDER WAKING_SECONDS`` prints it as JSON.

It has its own process, since Locust replaces modules with gevent's that pytest's process already uses.
"""

import locust  # noqa: F401  # isort: skip  # first: it patches what is imported after it

import json
import sys
from dataclasses import asdict
from pathlib import Path

from loadtest.engine import calibrate, local
from loadtest.engine.fleet import processes
from loadtest.engine.machine import Pace, Plan, machine
from loadtest.engine.session import Lab
from loadtest.experiment import Experiment
from loadtest.experiments.django_both import variant
from loadtest.generator.parameters import Parameters
from loadtest.judging.evidence import Evidence
from loadtest.model import Cell, Chart, Load, loop
from loadtest.results import Verdict
from tests.lies.laboratory import LyingLocal

WAIT = 0.1
# More than any generator can send.
RATE = 1e6


def cells(_: bool) -> list[Cell]:
    """A burst at a service with a slow first answer, more arrivals than can be generated, and four users that need two connections.

    Also users that request one value computed by the database, and Django's listing over WSGI.
    """
    asleep = loop("fastapi", name="FastAPI, asleep", environment={"LIE": "wakes", "WAKING_SECONDS": sys.argv[2]})
    wait = Parameters(wait=WAIT)
    pooled = loop("fastapi", name="FastAPI, two connections", pool=2, cache=True)
    django = variant(wsgi=True, sync=True)
    return [
        Cell(asleep, Load("burst", "wait", wait, users=4), "burst"),
        Cell(asleep, Load("open", "wait", wait, rate=RATE), "too much"),
        Cell(pooled, Load("burst", "query", Parameters(wait=WAIT, calls=1, work=10), users=4), "pooled"),
        Cell(pooled, Load("burst", "summary", Parameters(), users=4), "kept"),
        Cell(django, Load("burst", "listing", Parameters(), users=8), "by WSGI"),
    ]


def judged(evidence: Evidence) -> Verdict:
    """Ask for the cell that was refused, so that the refusal becomes the verdict."""
    evidence.cell("FastAPI, asleep", "too much")
    return Verdict("holds", "")


MADE = Experiment(
    name="made-for-a-test",
    question="What does a session do before it measures?",
    claim="It lets every slot answer, and measures nothing that the load generator would bound.",
    frame="one service against itself",
    cells=cells,
    chart=Chart("bars", "makespan"),
    columns=("makespan",),
    misreading="None.",
    judge=judged,
    compares=False,
)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    local.FOLDER, calibrate.LAB = folder / "variants", folder  # not those of a run that a person may have in progress
    here = machine(1)
    with processes(here) as fleet:
        runtime = LyingLocal(here.server_cpus, here.other_cpus)
        lab = Lab([MADE], Plan(Pace(seconds=1.0, warm_up=0.2, repeats=1), False, 1), runtime, here, fleet, lambda *_: None)
        print(json.dumps(asdict(lab.run("made", "none").experiments[0])))

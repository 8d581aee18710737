"""A session with some cells of `graceful` and `self-healing`: ``python -m tests.lab.disturbed FOLDER`` prints it as JSON.

It has its own process, since Locust replaces modules with gevent's that pytest's process already uses.
"""

import locust  # noqa: F401  # isort: skip  # first: it patches what is imported after it

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

from loadtest.engine import calibrate, local
from loadtest.engine.fleet import processes
from loadtest.engine.machine import QUICK, Plan, machine
from loadtest.engine.session import Lab
from loadtest.experiments import graceful, self_healing
from loadtest.model import Disturbance
from loadtest.results import Verdict

CELLS = [
    graceful.lined(graceful.BARE),
    graceful.lined(graceful.PAIRS["flask"]),
    # The same servers again: what was stopped must be running.
    graceful.cell(graceful.PAIRS["flask"], graceful.LEAVE, Disturbance(0.4, "leave")),
    self_healing.cell(self_healing.SYNC, self_healing.KILLED),
]
MADE = replace(graceful.EXPERIMENT, cells=lambda _: CELLS, judge=lambda _: Verdict("holds", ""))


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    local.FOLDER, calibrate.LAB = folder / "variants", folder  # not those of a run that a person may have in progress
    here = machine(1)
    with processes(here) as fleet:
        runtime = local.Local(here.server_cpus, here.other_cpus)
        lab = Lab([MADE], Plan(QUICK, False, 1), runtime, here, fleet, lambda *_: None)
        print(json.dumps(asdict(lab.run("made", "none").experiments[0])))

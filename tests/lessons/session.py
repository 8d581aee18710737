"""The lessons of one target in their short form: ``python -m tests.lessons.session lab|load FOLDER`` prints the results as JSON.

All lessons share one session and one calibration. Each cell that a claim names is measured once. No pair of equal services runs first: only
a verdict needs their noise. A lesson of ``make load`` is its command with the values of the short form, on the running stack. A lesson of
``make lab`` has a maximum number of seconds for each window. The session has its own process, since Locust replaces modules with gevent's
that pytest's process already uses.
"""

import locust  # noqa: F401  # isort: skip  # first: it patches what is imported after it

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from loadtest.cli import parser
from loadtest.commands import load
from loadtest.engine import calibrate, local
from loadtest.engine.existing import Existing
from loadtest.engine.fleet import Fleet, processes
from loadtest.engine.machine import QUICK, Plan, machine, shared
from loadtest.engine.probe import probe
from loadtest.engine.session import Lab
from loadtest.engine.variants import Runtime
from loadtest.experiment import Experiment
from loadtest.experiments import experiments
from loadtest.model import Cell
from loadtest.results import Verdict
from tests.lessons.formula import names
from tests.lessons.page import Lesson, lessons


def experiment(lesson: Lesson, fleet: Fleet) -> Experiment:
    """Return what a lesson's command measures, in the short form."""
    if lesson.target == "lab":
        made = experiments()[lesson.variables["X"]]
        seconds, warm_up = float(lesson.short["SECONDS"]), None
    else:
        arguments = parser({**os.environ, **lesson.variables, **lesson.short}).parse_args(["load"])
        load.settle(arguments)
        existing = Existing(arguments.target)
        variants = load.asked_services(arguments, existing)
        costs = probe(existing, fleet, variants, load.load_of(arguments), arguments.seed, lambda *_: None)
        made = load.lesson(arguments, variants, costs)
        seconds, warm_up = arguments.seconds, arguments.warmup

    def cells(full: bool) -> Sequence[Cell]:
        named = lesson.names  # other cells would take time for nothing
        found = [one for one in made.cells(full) if any(names(name, one.key) for name in named)]
        return [replace(one, seconds=min(one.seconds or seconds, seconds), warm_up=one.warm_up or warm_up) for one in found]

    return replace(made, name=str(lesson), cells=cells, compares=False, judge=lambda _: Verdict("holds", ""))


def runtime(target: str) -> Runtime:
    """Return the runtime in which the services run."""
    here = machine(1)
    if target == "lab":
        return local.Local(here.server_cpus, here.other_cpus)
    return Existing(parser(os.environ).parse_args(["load"]).target)


if __name__ == "__main__":
    target, folder = sys.argv[1], Path(sys.argv[2])
    local.FOLDER, calibrate.LAB = folder / "variants", folder  # not those of a run that a person may have in progress
    here = machine(1) if target == "lab" else shared(machine(1))
    with processes(here) as fleet:
        chosen = [experiment(lesson, fleet) for lesson in lessons(target)]
        pace = replace(QUICK, repeats=1, reruns=1)  # a page's claim must hold on a busy machine, too
        lab = Lab(chosen, Plan(pace, False, 1), runtime(target), here, fleet, lambda *_: None)
        print(json.dumps([asdict(one) for one in lab.run("lessons", "none").experiments]))

"""Estimate how long a run will take: from the plans of its experiments, corrected by how long the completed ones took."""

from collections.abc import Sequence
from time import monotonic

from loadtest.engine import short
from loadtest.engine.machine import Plan
from loadtest.experiment import Experiment
from loadtest.model import Cell

# Seconds on two cores of usual speed, from quick runs: to calibrate, to start and warm up a variant or a database, and around a window.
CALIBRATION, PAIR, VARIANT, DATABASE, AROUND = 6.0, 22.0, 1.6, 5.0, 1.0
# An experiment without cells computes for a moment.
ALONE = 2.0


def expected(experiment: Experiment, plan: Plan) -> float:
    """Return the seconds that an experiment takes if no run is repeated."""
    cells = list(experiment.cells(plan.full))
    if plan.short:
        cells = [short.shortened(cell, plan.pace) for cell in short.chosen(cells)]
    repeats = 1 if experiment.counts and not plan.full else plan.pace.repeats
    variants = {cell.variant.name: cell.variant for cell in cells}.values()
    starting = VARIANT * len(variants) + DATABASE * any(variant.pool for variant in variants)
    return ALONE * bool(experiment.look) + starting + repeats * sum(window(cell, plan) for cell in cells)


def window(cell: Cell, plan: Plan) -> float:
    """Return the seconds of a cell's window and everything around it. A burst lasts until its last answer."""
    held = cell.load.held(cell.variant) or 0.0
    if cell.load.kind == "burst":
        at_once = cell.load.places(cell.variant) or cell.load.users
        return AROUND + held * -(-cell.load.users // at_once)
    warm_up = plan.pace.warm_up if cell.warm_up is None else cell.warm_up
    first = held * (cell.load.users / (cell.load.places(cell.variant) or cell.load.users)) if cell.load.kind == "closed" else 0.0
    return AROUND + max(warm_up, first) + (plan.pace.seconds if cell.seconds is None else cell.seconds)


class Forecast:
    """Seconds that are left of a run; ``seconds`` holds the expected duration of each experiment."""

    def __init__(self, experiments: Sequence[Experiment], plan: Plan) -> None:
        self.seconds = [expected(experiment, plan) for experiment in experiments]
        self.before = CALIBRATION + PAIR * (not plan.short and any(one.compares for one in experiments))
        self.done = 0
        self.begun = self.since = monotonic()

    def start(self) -> None:
        """Record that the first experiment begins."""
        self.begun = self.since = monotonic()
        self.before = 0.0

    def next(self) -> None:
        """Record that an experiment is complete."""
        self.done += 1
        self.since = monotonic()

    @property
    def left(self) -> float:
        """Seconds until the end. If the machine was slower or faster than expected so far, assume that it stays so."""
        expected_until_now = sum(self.seconds[: self.done])
        pace = (self.since - self.begun) / expected_until_now if expected_until_now else 1.0
        current, *others = self.seconds[self.done :] or [0.0]
        return self.before + pace * sum(others) + max(0.0, pace * current - (monotonic() - self.since))

    @property
    def words(self) -> str:
        """``about 12 min``"""
        return about(self.left)


def about(seconds: float) -> str:
    """Return a duration in words, as roughly as it is known."""
    if seconds >= 90:
        return f"about {seconds / 60:.0f} min"
    return f"about {max(10, round(seconds, -1)):.0f} s"

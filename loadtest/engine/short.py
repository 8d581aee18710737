"""The short form of an experiment: few cells and short windows. It shows that the experiment runs to its end, and measures nothing."""

from collections.abc import Sequence
from dataclasses import replace

from loadtest.engine.machine import Pace
from loadtest.model import Cell
from loadtest.results import Verdict

LEFT_OUT = "left out of a short run"
SENTENCE = "A short run shows that the experiment runs to its end. Its windows are too short to measure anything."
AT_LEAST = 2


def chosen(cells: Sequence[Cell]) -> list[Cell]:
    """Return the cells that do something which no earlier cell does.

    If there would be only one, add the last cell, which mostly is another service.
    """
    seen: set[object] = set()
    found: list[Cell] = []
    for cell in cells:
        kinds = {(load.kind, load.workload, load.way) for load in (cell.load, *cell.background)}
        does = {*kinds, *((one.what,) for one in cell.disturbances)}
        if not does <= seen or (cell is cells[-1] and len(found) < AT_LEAST):
            seen |= does
            found.append(cell)
    return found


def shortened(cell: Cell, pace: Pace) -> Cell:
    """Return the cell with a short window. A disturbed cell keeps its window, because its disturbances need the time."""
    if cell.disturbances:
        return cell
    warm_up = None if cell.warm_up is None else min(cell.warm_up, pace.warm_up)
    return replace(cell, seconds=None if cell.seconds is None else min(cell.seconds, pace.seconds), warm_up=warm_up)


def verdict(judged: Verdict) -> Verdict:
    """Return the verdict of a short run: always *not valid*, with the checks of ``judged``."""
    return Verdict("not valid", SENTENCE, judged.checks)

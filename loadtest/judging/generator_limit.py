"""Cells that are not measured at all, because it is known in advance that the load generator would be the bottleneck."""

from loadtest.metrics import number
from loadtest.model import Cell


def refusal(cell: Cell, ceiling: float) -> str | None:
    """Return why a cell is not measured, ``None`` where it is; ``ceiling`` in requests per second, of all generators together.

    Only the rate of arrivals is known in advance. The rate of closed users depends on how fast they get answers, so the audit checks it.
    """
    asked = sum(load.rate for load in (cell.load, *cell.background))
    if asked <= ceiling / 2:
        return None
    return f"not measured: {number(asked)} requests a second arrive, and half of what the load generator can do is {number(ceiling / 2)}"

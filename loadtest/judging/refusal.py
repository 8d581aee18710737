"""What is not measured at all, since it is known before that the load generator would be the limit."""

from loadtest.metrics import number
from loadtest.model import Cell


def refusal(cell: Cell, ceiling: float) -> str | None:
    """Why a cell is refused, ``None`` where it is not; ``ceiling`` in requests a second, of all generators together.

    Only arrivals are known before. What closed users ask depends on how fast they are answered: theirs is left to the audit.
    """
    asked = sum(load.rate for load in (cell.load, *cell.background))
    if asked <= ceiling / 2:
        return None
    return f"not measured: {number(asked)} requests a second arrive, and half of what the load generator can do is {number(ceiling / 2)}"

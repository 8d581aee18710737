"""Runs that something else on the machine disturbed are made again, a few times, and kept apart.

What decides is the audit alone, and only its rules on how quiet the machine was: it does not know what an experiment would
like to see. A service or a generator that is at fault fails again.
"""

from collections.abc import Callable, Sequence

from loadtest.judging.audit import disturbed
from loadtest.judging.raw import Raw
from loadtest.judging.steadiness import changed
from loadtest.results import Run

# By cell: its runs, and those that were rejected.
Runs = dict[str, tuple[list[Run], list[Run]]]


def with_second_chances(raws: Sequence[Raw], conclude: Callable[[Raw], Run], again: Callable[[Raw], Raw] | None, reruns: int) -> Runs:
    """Conclude all runs; ``again`` measures the cell of one once more, ``reruns`` times at most or for a quarter of all runs."""
    found: Runs = {}
    chances = max(reruns, len(raws) // 4) if again else 0
    for raw in raws:
        runs, rejected = found.setdefault(raw.cell.key, ([], []))
        run = conclude(raw)
        while again and chances and disturbed(run.audit, changed(run.watched)):
            chances -= 1
            rejected.append(run)
            run = conclude(again(raw))
        runs.append(run)
    return found

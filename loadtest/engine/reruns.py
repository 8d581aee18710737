"""Repeat runs that something else on the machine disturbed, a limited number of times, and keep the rejected runs apart.

Only the audit decides, and only by its rules on how quiet the machine was. It does not know which result an experiment would
favour. If a service or a generator is at fault, the repeated run fails too.
"""

from collections.abc import Callable, Sequence

from loadtest.judging.audit import disturbed
from loadtest.judging.raw import Raw
from loadtest.judging.steadiness import changed
from loadtest.results import Run

# By cell: its runs, and its rejected runs.
Runs = dict[str, tuple[list[Run], list[Run]]]


def with_second_chances(raws: Sequence[Raw], conclude: Callable[[Raw], Run], again: Callable[[Raw], Raw] | None, reruns: int) -> Runs:
    """Conclude all runs. ``again`` repeats disturbed ones: ``reruns`` times at most, or for a quarter of all runs if that is more."""
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

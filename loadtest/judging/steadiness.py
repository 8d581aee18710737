"""Whether the machine's speed changed during a run, and how much it varied in a whole session."""

from collections.abc import Iterable, Mapping, Sequence

from loadtest.results import CellResult, Results

# The speed of a dedicated machine varies by a few per cent within a run, and by somewhat more within a quarter of an hour.
CHANGED, QUIET = 1.15, 1.25
PACES = ("pace_before", "pace_after")


def changed(watched: Mapping[str, float]) -> bool:
    """Whether the machine's speed was different at the end of a run."""
    before, after = watched.get("pace_before", 0.0), watched.get("pace_after", 0.0)
    return max(before, after) > CHANGED * min(before, after) > 0


def spread(cells: Iterable[CellResult]) -> float | None:
    """Return the longest time for a fixed piece of work divided by the shortest, ``None`` where it was not measured."""
    runs = [run for cell in cells for run in (*cell.runs, *cell.rejected)]
    found = [run.watched[name] for run in runs for name in PACES if run.watched.get(name)]
    return max(found) / min(found) if found else None


def slowest(cells: Sequence[CellResult]) -> dict[str, str]:
    """Return the cells that were measured while the machine was slower than at its best in this session.

    The result maps each key to a sentence with the factor.
    """
    found = {}
    paces = {one.key: [pace for run in one.runs for name in PACES if (pace := run.watched.get(name))] for one in cells}
    best = min((pace for each in paces.values() for pace in each), default=0.0)
    for key, each in paces.items():
        if each and max(each) > QUIET * best:
            found[key] = f"same pace: a fixed piece of work took {max(each) / best:.2f} times its shortest CPU time, allowed are {QUIET:g}"
    return found


def sentence(results: Results) -> str:
    """Return a sentence on how steady the machine's speed was, empty where it was not measured."""
    found = spread(cell for one in results.experiments for cell in one.cells)
    if found is None:
        return ""
    said = f"The same piece of work took this machine up to {found:.2f} times its shortest CPU time."
    return said if found <= QUIET else f"{said} It was not quiet: compare within a run, and doubt absolute numbers."

"""Whether the machine computed as fast at the end of a run as at its begin, and what its pace was in a whole session."""

from collections.abc import Iterable, Mapping

from loadtest.results import CellResult, Results

# A machine of one's own varies by a few hundredths in the seconds of a run, and by somewhat more in a quarter of an hour.
CHANGED, QUIET = 1.15, 1.25


def changed(watched: Mapping[str, float]) -> bool:
    """Whether the machine was another one at the end of a run."""
    before, after = watched.get("pace_before", 0.0), watched.get("pace_after", 0.0)
    return max(before, after) > CHANGED * min(before, after) > 0


def spread(cells: Iterable[CellResult]) -> float | None:
    """The longest that a fixed piece of work took over the shortest, ``None`` where nothing was measured."""
    runs = [run for cell in cells for run in (*cell.runs, *cell.rejected)]
    found = [run.watched[name] for run in runs for name in ("pace_before", "pace_after") if run.watched.get(name)]
    return max(found) / min(found) if found else None


def sentence(results: Results) -> str:
    """What to know of the machine's pace, empty where there is nothing to know."""
    found = spread(cell for one in results.experiments for cell in one.cells)
    if found is None:
        return ""
    said = f"The same piece of work took this machine up to {found:.2f} times its shortest CPU time."
    return said if found <= QUIET else f"{said} It was not quiet: compare within a run, and doubt absolute numbers."

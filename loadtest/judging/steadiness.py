"""Whether the machine computed as fast at the end of a run as at its begin, and what its pace was in a whole session."""

from collections.abc import Mapping

from loadtest.results import Results

# A machine of one's own varies by a few hundredths.
CHANGED = 1.15


def changed(watched: Mapping[str, float]) -> bool:
    """Whether the machine was another one at the end of a run."""
    before, after = watched.get("pace_before", 0.0), watched.get("pace_after", 0.0)
    return max(before, after) > CHANGED * min(before, after) > 0


def spread(results: Results) -> float | None:
    """The longest that a fixed piece of work took in a session over the shortest, ``None`` where nothing was measured."""
    runs = [run for one in results.experiments for cell in one.cells for run in (*cell.runs, *cell.rejected)]
    found = [run.watched[name] for run in runs for name in ("pace_before", "pace_after") if run.watched.get(name)]
    return max(found) / min(found) if found else None


def sentence(results: Results) -> str:
    """What to know of the machine's pace, empty where there is nothing to know."""
    found = spread(results)
    if found is None:
        return ""
    said = f"The same piece of work took this machine up to {found:.2f} times its shortest CPU time."
    return said if found <= CHANGED else f"{said} It was not quiet: compare within a run, and doubt absolute numbers."

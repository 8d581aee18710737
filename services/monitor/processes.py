"""What the services' processes say of themselves, by service: requests in hand, sockets, memory, and how late their loops run."""

from dataclasses import dataclass
from pathlib import Path

from twogates.http.counters import LAG_PERIOD, Counts, read

FORGOTTEN_SECONDS = 3.0  # without a sign of life, of which there is one a second
# A loop that gave no sample for longer than this is late at this moment, and says so only when it runs again.
QUIET_SECONDS = 3 * LAG_PERIOD


@dataclass
class Process:
    """One that lives, and since when its loop has given no sample. ``since`` is of the clock that ``look`` is given."""

    service: str
    counts: Counts
    since: float


@dataclass
class Lags:
    """How late the loops of a service ran since the last event."""

    samples: int = 0
    seconds: float = 0.0
    largest: float = 0.0


class Processes:
    """All whose files are in a folder for each service. ``look`` often: between two looks a loop gives one sample or none."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.living: dict[Path, Process] = {}
        self.lags: dict[str, Lags] = {}

    def look(self, now: float) -> None:
        """Read all files; ``now`` in seconds since 1970."""
        before, self.living = self.living, {}
        for path in self.folder.glob("*/*"):
            try:
                counts = read(path)
            except OSError:  # removed since
                continue
            if counts.alive > now - FORGOTTEN_SECONDS:
                self.living[path] = self.seen(path, counts, before.get(path), now)

    def seen(self, path: Path, counts: Counts, last: Process | None, now: float) -> Process:
        """A process as it is now, with what its loop did since the last look."""
        service = path.parent.name
        if last is None or counts.begun < last.counts.begun:  # new, or another under the same number
            return Process(service, counts, now)
        samples = counts.lag_samples - last.counts.lag_samples
        lags = self.lags.setdefault(service, Lags())
        if samples:
            seconds = counts.lag_seconds - last.counts.lag_seconds
            lags.samples += samples
            lags.seconds += seconds
            lags.largest = max(lags.largest, seconds / samples)
        elif counts.lag_samples and now - last.since > QUIET_SECONDS:
            lags.largest = max(lags.largest, now - last.since - LAG_PERIOD)
        return Process(service, counts, now if samples else last.since)

    def numbers(self, service: str, threads: int | None) -> dict[str, float | None]:
        """A service's, since the last call; ``threads`` of one of its processes where each holds one request, else ``None``."""
        mine = [process.counts for process in self.living.values() if process.service == service]
        lags = self.lags.pop(service, Lags())
        loops = any(counts.lag_samples for counts in mine)
        return {
            "busy": sum(counts.in_flight for counts in mine),
            "slots": None if threads is None else threads * len(mine),
            "sockets": sum(counts.sockets for counts in mine),
            "lag": (lags.seconds / lags.samples if lags.samples else lags.largest) if loops else None,
            "lag_max": lags.largest if loops else None,
            "memory": sum(counts.memory for counts in mine),
            "processes": len(mine),
        }

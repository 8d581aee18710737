"""Metrics that the processes of the services write, by service: requests in flight, sockets, memory, and event loop lag."""

from dataclasses import dataclass
from pathlib import Path

from twogates.http.counters import LAG_PERIOD, Counts, read

FORGOTTEN_SECONDS = 3.0  # a process without a heartbeat for this long counts as gone; it writes one a second
# A loop without a sample for longer than this is blocked now. It can report that lag only when it runs again.
QUIET_SECONDS = 3 * LAG_PERIOD


@dataclass
class Process:
    """A live process. ``since`` is the time of its loop's last new sample, by the clock that ``look`` is given."""

    service: str
    counts: Counts
    since: float


@dataclass
class Lags:
    """The lag of a service's event loops since the last event, in seconds."""

    samples: int = 0
    seconds: float = 0.0
    largest: float = 0.0


class Processes:
    """All processes with a counter file in the folder, which has one subfolder per service.

    Call ``look`` often, so that a loop writes at most one sample between two calls.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.living: dict[Path, Process] = {}
        self.lags: dict[str, Lags] = {}

    def look(self, now: float) -> None:
        """Read all counter files; ``now`` is in seconds since 1970."""
        before, self.living = self.living, {}
        for path in self.folder.glob("*/*"):
            try:
                counts = read(path)
            except OSError:  # removed since the folder was listed
                continue
            if counts.alive > now - FORGOTTEN_SECONDS:
                self.living[path] = self.seen(path, counts, before.get(path), now)

    def seen(self, path: Path, counts: Counts, last: Process | None, now: float) -> Process:
        """Return the current state of a process, and add the lag of its loop since the last call."""
        service = path.parent.name
        if last is None or counts.begun < last.counts.begun:  # a new process, or another one with a reused process id
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
        """Return the metrics of a service since the last call.

        ``threads`` is the number of threads per process if each serves one request at a time, and ``None`` for event loops.
        """
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

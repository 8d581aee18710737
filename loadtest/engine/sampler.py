"""Sample the services' own counters while a window is open: requests in flight, loop lag, and requests served."""

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import gevent

from twogates.http.counters import Counts, read

EVERY_SECONDS = 0.05


def counts(folder: Path) -> list[Counts]:
    """Return the counters of each process. Each container has its own folder, since all containers use the same process ids."""
    return [read(path) for path in sorted(folder.rglob("*")) if path.is_file()]


def served(folder: Path) -> int:
    """Return how many requests all processes have answered since they started."""
    return sum(one.finished for one in counts(folder))


def in_flight(folder: Path) -> int:
    """Return how many requests have begun and not finished."""
    return sum(one.in_flight for one in counts(folder))


def workers(folder: Path, loops: bool) -> set[Path]:
    """Return the files of processes that can serve: one whose event loop does not run yet is still importing its application."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path for path in files if not loops or read(path).lag_samples}


@dataclass
class Sampled:
    """Results of a window: ``served`` in total, ``busy`` as mean requests in flight, ``loop_lag`` as mean seconds (``None``: no loop).

    ``newcomer`` is when the last worker that was not there at the start began to serve, in seconds after the start.
    """

    served: int
    busy: float
    loop_lag: float | None
    loop_lag_longest: float | None
    newcomer: float | None = None


class Sampler:
    """Samples from ``open`` to ``close``."""

    def __init__(self, folder: Path, loops: bool = False, newcomers: bool = False) -> None:
        self.folder, self.loops, self.newcomers = folder, loops, newcomers
        self.greenlet: Any = None
        self.newcomer: float | None = None

    def open(self) -> None:
        """Start sampling."""
        self.before = counts(self.folder)
        self.in_flight: list[int] = []
        self.opened, self.known = perf_counter(), workers(self.folder, self.loops) if self.newcomers else set()
        self.greenlet = gevent.spawn(self.sample)

    def sample(self) -> None:
        """Sample every ``EVERY_SECONDS``."""
        while True:
            self.in_flight.append(in_flight(self.folder))
            if self.newcomers and not (now := workers(self.folder, self.loops)) <= self.known:
                self.known |= now
                self.newcomer = perf_counter() - self.opened
            gevent.sleep(EVERY_SECONDS)

    def close(self) -> Sampled:
        """Stop sampling, and return the results."""
        self.end()
        after = counts(self.folder)
        total = {
            name: sum(getattr(one, name) for one in after) - sum(getattr(one, name) for one in self.before)
            for name in ("finished", "lag_samples", "lag_seconds")
        }
        lag = total["lag_seconds"] / total["lag_samples"] if total["lag_samples"] else None
        return Sampled(
            int(total["finished"]),
            sum(self.in_flight) / len(self.in_flight) if self.in_flight else 0.0,
            lag,
            max(one.lag_largest for one in after) if lag is not None else None,
            self.newcomer,
        )

    def end(self) -> None:
        """Stop sampling."""
        if self.greenlet:
            self.greenlet.kill()

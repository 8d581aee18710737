"""Counters inside a process for the laboratory and the page's live view: requests, open WebSockets, and the event loop's lag.

They are on only if the environment variable COUNTERS names a folder. Each process then keeps a file there, named after its process id:

    offset  type    value
         0  uint64  requests begun, without health checks
         8  uint64  requests finished: the response was sent or aborted
        16  uint64  open WebSockets
        24  uint64  samples of the event loop's lag, one per LAG_PERIOD
        32  double  sum of the lags, in seconds
        40  double  largest lag since the process started, in seconds
        48  double  time of the last heartbeat, in seconds since 1970
        56  uint64  memory at that time, in bytes; shared pages count in proportion (PSS)

All values are little-endian. The last two stay 0 unless COUNTED_AS names a service. They are for a reader in another container, which
cannot ask the kernel about the process. The files are then in a subfolder of that name. Their names begin with the container's host name,
since process ids repeat across containers.

This module uses only the standard library, since the laboratory imports it to read the files.
"""

import mmap
import os
import struct
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread

LAYOUT = struct.Struct("<QQQQdddQ")
LAG_PERIOD = 0.05  # seconds
BEAT_PERIOD = 1.0
HEALTH_CHECKS = frozenset({"/healthz", "/readyz"})


@dataclass
class Counts:
    """The values of a file, in the order of its layout."""

    begun: int = 0
    finished: int = 0
    sockets: int = 0
    lag_samples: int = 0
    lag_seconds: float = 0.0
    lag_largest: float = 0.0
    alive: float = 0.0
    memory: int = 0

    @property
    def in_flight(self) -> int:
        """Requests begun and not finished. Never below 0, even if the two counts do not match for a moment."""
        return max(0, self.begun - self.finished)


def read(path: Path) -> Counts:
    """Return the counts of a process, zeros while it is still creating the file. Raises OSError if there is no file."""
    data = path.read_bytes()
    return Counts(*LAYOUT.unpack_from(data)) if len(data) >= LAYOUT.size else Counts()


class Counters:
    """The counts of this process, in its file. Threads may share them; a forked process must not (see ``own``)."""

    def __init__(self, path: Path) -> None:
        with path.open("w+b") as file:
            file.truncate(LAYOUT.size)
            self.memory = mmap.mmap(file.fileno(), LAYOUT.size)
        self.counts = Counts()
        self.lock = Lock()

    def begin(self) -> None:
        """Count a request that begins."""
        with self.lock:
            self.counts.begun += 1
            self.store()

    def finish(self) -> None:
        """Count a request that ends."""
        with self.lock:
            self.counts.finished += 1
            self.store()

    def open_socket(self) -> None:
        """Count a WebSocket that opens."""
        with self.lock:
            self.counts.sockets += 1
            self.store()

    def close_socket(self) -> None:
        """Count a WebSocket that closes."""
        with self.lock:
            self.counts.sockets -= 1
            self.store()

    def lag(self, seconds: float) -> None:
        """Record by how many seconds the event loop was late."""
        with self.lock:
            self.counts.lag_samples += 1
            self.counts.lag_seconds += seconds
            self.counts.lag_largest = max(self.counts.lag_largest, seconds)
            self.store()

    def beat(self) -> None:
        """Write a heartbeat and the memory of this process."""
        memory = proportional_set_size()
        with self.lock:
            self.counts.alive, self.counts.memory = time.time(), memory
            self.store()

    def keep_beating(self) -> None:
        """Write heartbeats for ever. Runs in its own thread, so that a process with a blocked event loop still counts as alive."""
        while True:
            self.beat()
            time.sleep(BEAT_PERIOD)

    def store(self) -> None:
        """Write all values to the file. Not with pack_into, which writes zeros first; a reader could see them."""
        self.memory[:] = LAYOUT.pack(*vars(self.counts).values())


def wanted() -> bool:
    """Return True if the counters are on."""
    return bool(os.environ.get("COUNTERS"))


_own: Counters | None = None
_making = Lock()


def own() -> Counters:
    """Return the counters of this process. They are created at the first use, since a preloaded application is imported before the fork."""
    global _own
    if _own is None:
        with _making:
            if _own is None:
                _own = made(Path(os.environ["COUNTERS"]), os.environ.get("COUNTED_AS"))
    return _own


def made(folder: Path, service: str | None) -> Counters:
    """Create counters; if a service is named, also start their heartbeat."""
    if not service:
        return Counters(folder / str(os.getpid()))
    folder, host = folder / service, os.uname().nodename
    folder.mkdir(exist_ok=True)
    remove_the_dead(folder, host)
    counters = Counters(folder / f"{host}.{os.getpid()}")
    counters.beat()
    Thread(target=counters.keep_beating, name="counters", daemon=True).start()
    return counters


def remove_the_dead(folder: Path, host: str) -> None:
    """Remove the files of ended processes of this host: a container outlives its workers."""
    for path in folder.glob(f"{host}.*"):
        try:
            os.kill(int(path.suffix[1:]), 0)
        except ProcessLookupError:
            path.unlink(missing_ok=True)
        except (ValueError, PermissionError):  # not a counters file, or the process exists under another user
            continue


def proportional_set_size() -> int:
    """Return the memory of this process in bytes (PSS), 0 if the system does not report it."""
    with suppress(OSError, StopIteration), Path("/proc/self/smaps_rollup").open() as file:
        return 1024 * next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
    return 0


def _forget() -> None:
    """Reset after a fork: the child needs its own file, and another thread may have held the copied lock."""
    global _own, _making
    _own, _making = None, Lock()


os.register_at_fork(after_in_child=_forget)

"""What the laboratory and the page's live view count inside a process: requests, open sockets, and how late its event loop runs.

Only where the environment variable COUNTERS names a folder. Each process then keeps a file there, named by its process id:

    offset  type    what it is
         0  uint64  requests begun, health checks not among them
         8  uint64  requests finished: the answer was sent, or given up
        16  uint64  WebSockets open now
        24  uint64  samples of the event loop's lag, one each LAG_PERIOD
        32  double  sum of the lags, in seconds
        40  double  the largest lag since the process began, in seconds
        48  double  when the process last said that it lives, in seconds since 1970
        56  uint64  what memory it had then, in bytes: its pages, of which those that processes share count in parts (PSS)

All little-endian. The last two stay 0 but where COUNTED_AS names a service: for who looks on from another container, and cannot ask
the kernel. Files are then in a folder of that name below, and their names begin with the container's, since process ids repeat.

It uses nothing but the standard library: the laboratory imports it to read the files.
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
    """What a file says, in the order of its layout."""

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
        """Requests begun and not finished; never below 0, though the two may have been read a moment apart."""
        return max(0, self.begun - self.finished)


def read(path: Path) -> Counts:
    """What the process counted so far, zeros while it is still making the file. Raises OSError where there is none."""
    data = path.read_bytes()
    return Counts(*LAYOUT.unpack_from(data)) if len(data) >= LAYOUT.size else Counts()


class Counters:
    """The counts of this process, in its file. Threads may share it; a forked process must not (see ``own``)."""

    def __init__(self, path: Path) -> None:
        with path.open("w+b") as file:
            file.truncate(LAYOUT.size)
            self.memory = mmap.mmap(file.fileno(), LAYOUT.size)
        self.counts = Counts()
        self.lock = Lock()

    def begin(self) -> None:
        """A request began."""
        with self.lock:
            self.counts.begun += 1
            self.store()

    def finish(self) -> None:
        """A request that began is over."""
        with self.lock:
            self.counts.finished += 1
            self.store()

    def open_socket(self) -> None:
        """A WebSocket came."""
        with self.lock:
            self.counts.sockets += 1
            self.store()

    def close_socket(self) -> None:
        """A WebSocket that came is gone."""
        with self.lock:
            self.counts.sockets -= 1
            self.store()

    def lag(self, seconds: float) -> None:
        """The event loop was so much later than asked."""
        with self.lock:
            self.counts.lag_samples += 1
            self.counts.lag_seconds += seconds
            self.counts.lag_largest = max(self.counts.lag_largest, seconds)
            self.store()

    def beat(self) -> None:
        """Say that the process lives."""
        memory = proportional_set_size()
        with self.lock:
            self.counts.alive, self.counts.memory = time.time(), memory
            self.store()

    def keep_beating(self) -> None:
        """Say so as long as it does. A thread of its own: a loop that is blocked lives too, and that is what there is to see."""
        while True:
            self.beat()
            time.sleep(BEAT_PERIOD)

    def store(self) -> None:
        """Write all of it. Not with pack_into, which writes zeros first: a reader would see them."""
        self.memory[:] = LAYOUT.pack(*vars(self.counts).values())


def wanted() -> bool:
    """Whether to count at all."""
    return bool(os.environ.get("COUNTERS"))


_own: Counters | None = None
_making = Lock()


def own() -> Counters:
    """The counters of this process. Made at the first use: a preloaded application is imported before the fork."""
    global _own
    if _own is None:
        with _making:
            if _own is None:
                _own = made(Path(os.environ["COUNTERS"]), os.environ.get("COUNTED_AS"))
    return _own


def made(folder: Path, service: str | None) -> Counters:
    """New counters; with a heart where a service is named."""
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
    """Remove files of processes of this host that are no more: workers come and go as long as their container stays."""
    for path in folder.glob(f"{host}.*"):
        try:
            os.kill(int(path.suffix[1:]), 0)
        except ProcessLookupError:
            path.unlink(missing_ok=True)
        except (ValueError, PermissionError):  # not one of ours, or of somebody who lives
            continue


def proportional_set_size() -> int:
    """Memory of this process in bytes, 0 where the system does not say."""
    with suppress(OSError, StopIteration), Path("/proc/self/smaps_rollup").open() as file:
        return 1024 * next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
    return 0


def _forget() -> None:
    """A forked process has a file of its own, and may have got the lock while another thread held it."""
    global _own, _making
    _own, _making = None, Lock()


os.register_at_fork(after_in_child=_forget)

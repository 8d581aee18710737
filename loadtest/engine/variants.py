"""A running service variant: where it answers, and what its application, its proxy and the services that it calls consume."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from loadtest.model import Variant

# Replaces the command of Django's Dockerfile.
WSGI_COMMAND = ("gunicorn", "--config", "wsgi_server.py", "wsgi:application")


@dataclass(frozen=True)
class Running:
    """A started variant. ``counters`` is the folder that its middleware writes to; ``secure`` is its HTTPS address, if it has one.

    ``cpus`` is how many CPUs its application may use, if not the laboratory's. ``counted`` is False if there is no counters folder.
    """

    variant: Variant
    target: str
    prefix: str
    counters: Path
    secure: str = ""
    cpus: float | None = None
    counted: bool = True


@dataclass(frozen=True)
class Usage:
    """CPU seconds that the parts of a variant have used since they started, and the overflows of its accept queues."""

    app_user: float
    app_system: float
    proxy: float
    upstream: float
    overflows: int
    database: float = 0.0
    cache: float = 0.0

    def __sub__(self, before: "Usage") -> "Usage":
        return Usage(*(getattr(self, name) - getattr(before, name) for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Holding:
    """What the application's processes hold at one moment."""

    processes: int
    pss_mib: float
    threads: int
    sockets: int


class Runtime(Protocol):
    """Starts variants and measures them: as processes (local.py) or as containers (docker.py)."""

    name: str

    def start(self, variants: list[Variant]) -> dict[str, Running]:
        """Start all variants, wait until each answers, and return them by name. Raises EngineError."""
        ...

    def usage(self, running: Running) -> Usage | None:
        """Return what it has used so far, ``None`` where that cannot be known."""
        ...

    def holding(self, running: Running) -> Holding | None:
        """Return what it holds at this moment, ``None`` where that cannot be known."""
        ...

    def log(self, running: Running) -> str | None:
        """Return what its Nginx has logged, ``None`` where that cannot be read."""
        ...

    def addresses(self, running: Running) -> list[str]:
        """Return the addresses of its servers as they appear in Nginx's log, in order."""
        ...

    def signal(self, running: Running, server: int, number: int, worker: bool) -> None:
        """Send a signal to a server, or to its first worker. Raises EngineError if that is impossible."""
        ...

    def send_to(self, running: Running, servers: Sequence[int]) -> None:
        """Let its Nginx use these servers only, by a reload. Raises EngineError."""
        ...

    def ask_cache(self, running: Running, *words: str) -> list[str]:
        """Return the answer to a command in its part of Valkey, item by item. Raises EngineError."""
        ...

    def mend(self, running: Running) -> None:
        """Restart the servers that were stopped, and wait until all of them answer and Nginx uses them. Raises EngineError."""
        ...

    def stop(self) -> None:
        """Stop everything that ``start`` started."""
        ...


class EngineError(Exception):
    """The laboratory cannot continue; the message is a whole sentence."""

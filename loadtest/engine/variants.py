"""A service variant as it runs: where it answers, and which processes are its application, its proxy and what it calls."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from loadtest.model import Variant

# In place of its Dockerfile's.
WSGI_COMMAND = ("gunicorn", "--config", "wsgi_server.py", "wsgi:application")


@dataclass(frozen=True)
class Running:
    """One variant that was started. ``counters`` is the folder that its middleware writes to, ``secure`` where it has HTTPS.

    ``cpus`` are those that its application may use, where they are not the laboratory's. Not ``counted`` is what has no such folder.
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
    """What the processes of a variant have used since they began, and what they hold now. Seconds, MiB, and whole things."""

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
    """What the application's processes hold at a moment."""

    processes: int
    pss_mib: float
    threads: int
    sockets: int


class Runtime(Protocol):
    """Starts variants and looks at them: as processes (local.py) or as containers (docker.py)."""

    name: str

    def start(self, variants: list[Variant]) -> dict[str, Running]:
        """Start them all, wait until each answers, and say where; by name. Raises EngineError."""
        ...

    def usage(self, running: Running) -> Usage | None:
        """What it has used until now, ``None`` where that cannot be known."""
        ...

    def holding(self, running: Running) -> Holding | None:
        """What it holds now, ``None`` where that cannot be known."""
        ...

    def log(self, running: Running) -> str | None:
        """What its Nginx has logged, ``None`` where that cannot be read."""
        ...

    def addresses(self, running: Running) -> list[str]:
        """Its servers as Nginx's log names them, in order."""
        ...

    def signal(self, running: Running, server: int, number: int, worker: bool) -> None:
        """Send a signal to a server, or to the first of its workers. Raises EngineError where that cannot be done."""
        ...

    def send_to(self, running: Running, servers: Sequence[int]) -> None:
        """Let its Nginx know these servers only, by a reload. Raises EngineError."""
        ...

    def ask_cache(self, running: Running, *words: str) -> list[str]:
        """The answer to a command in its part of Valkey, item by item. Raises EngineError."""
        ...

    def mend(self, running: Running) -> None:
        """Start the servers again that were ended, and wait until all answer and Nginx knows them. Raises EngineError."""
        ...

    def stop(self) -> None:
        """End all that ``start`` began."""
        ...


class EngineError(Exception):
    """The laboratory cannot go on, in a sentence."""

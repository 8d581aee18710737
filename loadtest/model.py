"""What an experiment is: services to start, cells to measure, a prediction for each, and a rule for the verdict."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from loadtest.generator.parameters import Parameters
from loadtest.generator.ways import WORDS, Way
from loadtest.generator.workloads import WORKLOADS, Workload

NAMES = {"flask": "Flask", "fastapi": "FastAPI", "django": "Django"}
# How services are made comparable; one for all cells of an experiment, and always named.
Frame = Literal["equal cores", "equal slots", "equal memory", "one service against itself", "no load"]


@dataclass(frozen=True)
class Variant:
    """A service as an experiment wants it started. ``workers`` are replicas for Django, whose server is one process.

    Of its servers, the last ``standing_by`` are not in Nginx's list at first. With a ``pool``, there is a database; with a ``cache``, a
    Valkey, of which it has a part of its own. Without one it computes what it would keep.
    """

    name: str
    service: Literal["flask", "fastapi", "django"]
    workers: int = 1
    threads: int = 1
    proxied: bool = True  # behind an Nginx of its own, or asked directly
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)
    arguments: tuple[str, ...] = ()  # for the server, behind those of its Dockerfile
    replicas: int = 1  # servers with so many workers each; Django's are counted as its workers
    standing_by: int = 0
    proxy: Mapping[str, str] = field(default_factory=dict, hash=False)  # for its Nginx, in place of what compose.yaml says
    pool: int = 0  # connections to the database that each of its processes may hold; 0: no database is started for it
    cache: bool = False
    helpers: int = 0  # threads to which each of its loops hands blocking calls, 0 where that is not known
    wsgi: bool = False  # Django by its other interface: on Gunicorn, with workers and threads as Flask's

    @property
    def by_gunicorn(self) -> bool:
        """Whether its server has workers."""
        return self.service != "django" or self.wsgi

    @property
    def servers(self) -> int:
        """Servers behind its Nginx."""
        return self.replicas if self.by_gunicorn else self.workers

    @property
    def slots(self) -> int | None:
        """Requests held at once, ``None`` for event loops."""
        return self.workers * self.threads * self.replicas if self.service == "flask" or self.wsgi else None

    @property
    def connections(self) -> int:
        """To the database, of all its processes together."""
        return self.pool * self.workers * self.replicas


def sync(workers: int, threads: int = 1, **options: object) -> Variant:
    """Flask with so many sync workers, or with threads in them."""
    words = f"{workers} sync worker{'s' * (workers > 1)}" if threads == 1 else f"{workers * threads} threads"
    return Variant(**{"name": f"Flask, {words}", "service": "flask", "workers": workers, "threads": threads, **options})  # type: ignore[arg-type]


def loop(service: Literal["fastapi", "django"] = "fastapi", workers: int = 1, **options: object) -> Variant:
    """FastAPI or Django with so many event loops."""
    words = f"{workers} loop{'s' * (workers > 1)}"
    return Variant(**{"name": f"{NAMES[service]}, {words}", "service": service, "workers": workers, **options})  # type: ignore[arg-type]


@dataclass(frozen=True)
class Load:
    """Requests of one kind, and how they come.

    closed: ``users`` that each ask again when they have their answer, after ``pause`` seconds.
    open: arrivals at ``rate`` a second whatever the answers do; latency counts from the intended moment.
    burst: ``users`` requests at the same moment, once.
    hold: ``users`` connections that are opened and then say nothing.

    ``source`` is the address of its client that a proxy in front of Nginx would name (FRONT_PROXY), for what depends on who asks;
    ``way`` is how Nginx is reached, where that is what is asked (ways.py).
    """

    kind: Literal["closed", "open", "burst", "hold"]
    workload: str
    parameters: Parameters
    users: int = 0
    rate: float = 0.0
    pause: float = 0.0
    arrivals: Literal["poisson", "constant"] = "poisson"
    source: str = ""
    way: Way = ""

    @property
    def what(self) -> Workload:
        return WORKLOADS[self.workload]

    @property
    def secure(self) -> bool:
        """Whether it comes over TLS."""
        return self.way.startswith(("tls", "http2"))

    def held(self, variant: Variant) -> float | None:
        """Seconds for which a request occupies what serves it, ``None`` where only the CPU says."""
        return (self.what.held_by_loop if variant.slots is None else self.what.held_by_slot)(self.parameters)

    def places(self, variant: Variant) -> int | None:
        """Requests that are served concurrently: slots, connections or threads, whichever the workload needs; ``None`` where all are."""
        found = [variant.slots] if variant.slots else []
        if self.what.hands_over and variant.slots is None and variant.helpers:
            found.append(variant.helpers * variant.workers)
        if self.what.asks_database and variant.pool:
            found.append(variant.connections)
        return min(found, default=None)

    def rhythm(self, variant: Variant | None) -> tuple[int, float]:
        """How many users take turns at once, and for how many seconds: a slot's hold, or a user's with its pause; 0 s where unknown."""
        held = (self.held(variant) or 0.0) if variant else 0.0
        places = self.places(variant) if variant and not self.pause else None  # users who pause do not stand in line
        return min(self.users, places or self.users), held + self.pause

    @property
    def words(self) -> str:
        """``64 users of /wait?seconds=0.1``."""
        path = "/" + self.what.path.format(**vars(self.parameters)).lstrip("/") + (f" {WORDS[self.way]}" if self.way else "")
        return {
            "closed": f"{self.users:,} user{'s' * (self.users > 1)} of {path}",
            "open": f"{self.rate:g} a second of {path}",
            "burst": f"{self.users:,} at once of {path}",
            "hold": f"{self.users:,} idle connections to {path}",
        }[self.kind]


@dataclass(frozen=True)
class Disturbance:
    """What is done to a service ``at`` seconds after its window opened, while the load goes on.

    reload: SIGHUP to a server, stop: SIGTERM. kill, crash, hang: SIGKILL, SIGSEGV, SIGSTOP to one of a server's workers.
    join: a server that stood by enters Nginx's list. leave: a server is taken out of the list, and then stopped.
    """

    at: float
    what: Literal["reload", "stop", "kill", "crash", "hang", "join", "leave"]
    server: int = 0


@dataclass(frozen=True)
class Cell:
    """One variant under one load, measured. ``background`` is load beside it that is not measured, but counted.

    ``step`` is its place on the chart's horizontal axis. ``predicted`` holds what theory says before the run, by metric; where
    that is a range, it is the upper end, and ``predicted_low`` holds the lower one.
    Where it is disturbed, or says so, lost requests are what is counted, and make no run invalid.
    """

    variant: Variant
    load: Load
    step: float | str
    predicted: Mapping[str, float] = field(default_factory=dict)
    background: tuple[Load, ...] = ()
    seconds: float | None = None  # of the window; the session's where it is None
    warm_up: float | None = None  # seconds before it, likewise
    label: str = ""  # where variant and step do not say enough
    disturbances: tuple[Disturbance, ...] = ()
    refusals: bool = False
    predicted_low: Mapping[str, float] = field(default_factory=dict)

    @property
    def may_lose(self) -> bool:
        """Whether requests that fail are a finding on the service, and not on the measurement."""
        return self.refusals or bool(self.disturbances)

    @property
    def key(self) -> str:
        return f"{self.variant.name} / {self.step} {self.label}".strip()

    @property
    def words(self) -> str:
        """All of its load."""
        return " beside ".join(load.words for load in (self.load, *self.background))


@dataclass(frozen=True)
class Chart:
    """How the cells are drawn: ``lines`` over the steps, ``bars`` by step, ``ranks`` (when each request of a burst ended)."""

    kind: Literal["lines", "bars", "ranks"]
    metric: str
    x: str = ""
    log_x: bool = False
    log_y: bool = False

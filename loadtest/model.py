"""The parts of an experiment: services to start, cells to measure, a prediction for each, and how to draw them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from loadtest.generator.parameters import Parameters
from loadtest.generator.transports import WORDS, Way
from loadtest.generator.workloads import WORKLOADS, Workload

NAMES = {"flask": "Flask", "fastapi": "FastAPI", "django": "Django"}
# What is kept equal to make services comparable. It is the same for all cells of an experiment, and every report names it.
Frame = Literal["equal cores", "equal slots", "equal memory", "one service against itself", "no load"]


@dataclass(frozen=True)
class Variant:
    """A service, configured for an experiment. ``workers`` are replicas for Django, whose server is a single process.

    The last ``standing_by`` of its servers are not in Nginx's list at first. With a ``pool``, the service has a database. With a
    ``cache``, it has its own part of a Valkey; without one, it computes what it would otherwise cache.
    """

    name: str
    service: Literal["flask", "fastapi", "django"]
    workers: int = 1
    threads: int = 1
    proxied: bool = True  # behind its own Nginx; False: clients connect to it directly
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)
    arguments: tuple[str, ...] = ()  # for the server, after those of its Dockerfile
    replicas: int = 1  # servers, each with ``workers`` workers; Django's servers are counted as its workers
    standing_by: int = 0
    proxy: Mapping[str, str] = field(default_factory=dict, hash=False)  # settings for its Nginx that override those of compose.yaml
    pool: int = 0  # database connections that each of its processes may open; 0: no database is started for it
    cache: bool = False
    helpers: int = 0  # threads to which each of its event loops hands blocking calls; 0: not known
    wsgi: bool = False  # Django through its WSGI interface: on Gunicorn, with workers and threads like Flask

    @property
    def by_gunicorn(self) -> bool:
        """Whether its server is Gunicorn, which has workers."""
        return self.service != "django" or self.wsgi

    @property
    def servers(self) -> int:
        """Number of servers behind its Nginx."""
        return self.replicas if self.by_gunicorn else self.workers

    @property
    def slots(self) -> int | None:
        """Number of requests held concurrently, ``None`` for event loops."""
        return self.workers * self.threads * self.replicas if self.service == "flask" or self.wsgi else None

    @property
    def connections(self) -> int:
        """Number of database connections that all its processes may open together."""
        return self.pool * self.workers * self.replicas


def sync(workers: int, threads: int = 1, **options: object) -> Variant:
    """Return Flask with this many sync workers, each with ``threads`` threads."""
    words = f"{workers} sync worker{'s' * (workers > 1)}" if threads == 1 else f"{workers * threads} threads"
    return Variant(**{"name": f"Flask, {words}", "service": "flask", "workers": workers, "threads": threads, **options})  # type: ignore[arg-type]


def loop(service: Literal["fastapi", "django"] = "fastapi", workers: int = 1, **options: object) -> Variant:
    """Return FastAPI or Django with this many event loops."""
    words = f"{workers} loop{'s' * (workers > 1)}"
    return Variant(**{"name": f"{NAMES[service]}, {words}", "service": service, "workers": workers, **options})  # type: ignore[arg-type]


@dataclass(frozen=True)
class Load:
    """Requests of one kind, and how they arrive.

    closed: ``users`` that each send the next request ``pause`` seconds after an answer.
    open: arrivals at ``rate`` per second, however fast the answers come; latency counts from the intended moment.
    burst: ``users`` requests at the same moment, once.
    hold: ``users`` connections that are opened and then stay idle.

    ``source`` is the client address that a proxy in front of Nginx would name (FRONT_PROXY), for limits that depend on the client.
    ``way`` is how the client reaches Nginx, for experiments that compare this (transports.py).
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
        """Whether the requests use TLS."""
        return self.way.startswith(("tls", "http2"))

    def held(self, variant: Variant) -> float | None:
        """Return for how many seconds a request occupies its worker or coroutine; ``None`` where this depends on the CPU alone."""
        return (self.what.held_by_loop if variant.slots is None else self.what.held_by_slot)(self.parameters)

    def places(self, variant: Variant) -> int | None:
        """Return how many requests are served concurrently: slots, connections or threads, whichever the workload needs.

        ``None`` where there is no such limit.
        """
        found = [variant.slots] if variant.slots else []
        if self.what.hands_over and variant.slots is None and variant.helpers:
            found.append(variant.helpers * variant.workers)
        if self.what.asks_database and variant.pool:
            found.append(variant.connections)
        return min(found, default=None)

    def rhythm(self, variant: Variant | None) -> tuple[int, float]:
        """Return how many users are served concurrently, and the length of their cycle in seconds.

        The cycle is the time that a slot is held, or a user's request plus its pause; 0 s where it is not known.
        """
        held = (self.held(variant) or 0.0) if variant else 0.0
        places = self.places(variant) if variant and not self.pause else None  # users who pause do not queue
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
    """A fault or change that a service gets ``at`` seconds after its window opened, while the load continues.

    reload: SIGHUP to a server, stop: SIGTERM. kill, crash, hang: SIGKILL, SIGSEGV, SIGSTOP to one of a server's workers.
    join: a standby server enters Nginx's list. leave: a server is removed from the list, and then stopped.
    """

    at: float
    what: Literal["reload", "stop", "kill", "crash", "hang", "join", "leave"]
    server: int = 0


@dataclass(frozen=True)
class Cell:
    """One measured variant under one load. ``background`` is additional load that is counted, but not measured.

    ``step`` is its position on the chart's horizontal axis. ``predicted`` holds what theory says before the run, by metric. Where a
    prediction is a range, ``predicted`` is its upper end, and ``predicted_low`` its lower one.
    In a cell with ``disturbances`` or ``refusals``, lost requests are a result, and do not make a run invalid.
    """

    variant: Variant
    load: Load
    step: float | str
    predicted: Mapping[str, float] = field(default_factory=dict)
    background: tuple[Load, ...] = ()
    seconds: float | None = None  # of the window; None: the session's
    warm_up: float | None = None  # seconds before the window; None: the session's
    label: str = ""  # tells cells apart where variant and step are not enough
    disturbances: tuple[Disturbance, ...] = ()
    refusals: bool = False
    predicted_low: Mapping[str, float] = field(default_factory=dict)

    @property
    def may_lose(self) -> bool:
        """Whether failed requests say something about the service, rather than about the measurement."""
        return self.refusals or bool(self.disturbances)

    @property
    def key(self) -> str:
        return f"{self.variant.name} / {self.step} {self.label}".strip()

    @property
    def words(self) -> str:
        """A description of its whole load."""
        return " beside ".join(load.words for load in (self.load, *self.background))


@dataclass(frozen=True)
class Chart:
    """How the cells are drawn: ``lines`` over the steps, ``bars`` by step, or ``ranks`` (when each request of a burst ended)."""

    kind: Literal["lines", "bars", "ranks"]
    metric: str
    x: str = ""
    log_x: bool = False
    log_y: bool = False

"""The stack that already runs (make up). Its services answer; its CPU time can be read if it runs on this machine."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from itertools import chain, count, takewhile
from pathlib import Path

from loadtest.engine import cores, existing_usage
from loadtest.engine.variants import EngineError, Holding, Running, Usage
from loadtest.generator.workloads import Workload
from loadtest.model import NAMES, Variant
from loadtest.stack import Service, default_target, look_at
from runtime import proc
from runtime.compose_file import ROOT, variables
from runtime.docker import stack as runtime_docker
from runtime.local import stack as runtime_local
from runtime.local import supervisor
from twogates.database.pool_size import LOOP_POOL

LOG = supervisor.LOGS / "nginx.log"


def written_since(log: Path, then: os.stat_result) -> str | None:
    """Return what was written to a log since its state ``then``, ``None`` if part of it is gone.

    Supervisor begins a new file when one is full. It keeps a few old ones as ``.1``, ``.2`` and so on, the newest first.
    """
    newer: list[bytes] = []
    for file in takewhile(Path.exists, chain([log], (log.with_name(f"{log.name}.{number}") for number in count(1)))):
        if file.stat().st_ino == then.st_ino:
            written = file.read_bytes()[then.st_size :]
            return b"".join([written, *reversed(newer)]).decode(errors="replace")
        newer.append(file.read_bytes())
    return None


def pool_of(service: Service, settings: Mapping[str, str], threads: int) -> int:
    """Return how many database connections each process of the service may open; 0 where that is unknown."""
    given = settings.get("POOL", "")
    if "pgbouncer" in settings.get("DATABASE_URL", ""):  # PgBouncer has its own pool behind this one
        return 0
    return int(given) if given.isdigit() else {"": 0, "auto": threads if service.slots else LOOP_POOL}.get(given, 0)


def loop_threads() -> int:
    """Return how many threads a loop has for blocking calls (concurrent.futures.ThreadPoolExecutor's default)."""
    return min(32, len(os.sched_getaffinity(0)) + 4) if hasattr(os, "sched_getaffinity") else 0


class Existing:
    """The runtime for a running stack: it starts and stops nothing. ``target`` is the address of the stack's Nginx."""

    name = "the running stack"

    def __init__(self, target: str) -> None:
        self.target = target
        here = target in (default_target({}), default_target(variables()))  # another address may belong to another machine
        self.local = here and runtime_local.is_up()
        self.docker = here and not self.local and runtime_docker.is_up()
        self.seen: existing_usage.Seen | None = None
        if self.local and proc.SUPPORTED:
            self.seen = existing_usage.LocalProcesses()
        elif self.docker:
            self.seen = existing_usage.LocalContainers()

    def variants(self, services: tuple[str, ...], workload: Workload) -> list[Variant]:
        """Return the services with the slots, loops and connections that they report; raise StackError."""
        return [self.variant(look_at(self.target, name), workload) for name in services]

    def variant(self, service: Service, workload: Workload) -> Variant:
        """Return one of them. Further limits of a workload come from the settings that the service was started with."""
        settings = self.seen.settings(service.name) if self.seen else {}
        workers, threads = service.slots or service.processes or 1, 1
        if service.worker_class == "gthread" and service.slots:
            threads = int(settings.get("THREADS", 1))
            workers = service.slots // threads
        pool = pool_of(service, settings, threads) if workload.asks_database else 0
        return Variant(
            f"{NAMES[service.name]}, {service.shape}",
            service.name,  # type: ignore[arg-type]
            workers=workers,
            threads=threads,
            pool=pool,
            helpers=loop_threads() if self.local and service.slots is None else 0,
        )

    def start(self, variants: list[Variant]) -> dict[str, Running]:
        """Return where each variant answers, and remember the current end of the log."""
        self.begun = LOG.stat() if self.local and LOG.exists() else None
        return {variant.name: self.running(variant) for variant in variants}

    def running(self, variant: Variant) -> Running:
        """Return one of them. Its processes may use all CPUs, or as many as the limits of its containers allow."""
        limit = self.seen.cpus(variant.service) if self.seen else None
        shared = cores.shared_cpus()
        return Running(variant, self.target, f"/{variant.service}", Path("/nonexistent"), cpus=min(limit or shared, shared), counted=False)

    def usage(self, running: Running) -> Usage | None:
        """Return the CPU seconds so far, ``None`` if they cannot be read on this machine."""
        return self.seen.usage(running.variant.service) if self.seen else None

    def holding(self, running: Running) -> Holding | None:
        """Return ``None``: not known."""
        return None

    def log(self, running: Running) -> str | None:
        """Return what Nginx has logged since the start (with Docker: in the last 30 minutes), ``None`` where it cannot be read."""
        if self.begun:
            return written_since(LOG, self.begun)
        if self.docker:
            words = ["docker", "compose", "logs", "--no-log-prefix", "--no-color", "--since", "30m", "nginx"]
            return subprocess.run(words, cwd=ROOT, capture_output=True, text=True).stdout
        return None

    def addresses(self, running: Running) -> list[str]:
        """Return no addresses: they are not known."""
        return []

    def signal(self, running: Running, server: int, number: int, worker: bool) -> None:
        """Raise EngineError: the stack may serve real clients."""
        raise EngineError("The laboratory disturbs only what it started itself.")

    def send_to(self, running: Running, servers: Sequence[int]) -> None:
        """Raise EngineError: the stack may serve real clients."""
        raise EngineError("The laboratory changes only what it started itself.")

    def ask_cache(self, running: Running, *words: str) -> list[str]:
        """Raise EngineError: no part of its cache belongs to the laboratory."""
        raise EngineError("The laboratory asks only a cache that it started itself.")

    def mend(self, running: Running) -> None:
        """Do nothing: nothing was disturbed."""

    def stop(self) -> None:
        """Do nothing: nothing was started."""

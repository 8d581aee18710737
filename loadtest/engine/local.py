"""Variants as plain processes of this user. Each proxied variant has its own Nginx."""

import os
import shutil
import signal
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from time import monotonic, sleep

from loadtest.engine.cache import NOWHERE
from loadtest.engine.local_cache import NAME as CACHE
from loadtest.engine.local_cache import LocalCache
from loadtest.engine.local_database import NAME as DATABASE
from loadtest.engine.local_database import LocalDatabase
from loadtest.engine.variants import WSGI_COMMAND, EngineError, Holding, Running, Usage
from loadtest.engine.watchdog import keep
from loadtest.model import Variant
from runtime import proc
from runtime.local import nginx as nginx_local
from runtime.local.plan import LAB, Process, make_plan, run_jobs
from runtime.servers import Command, ServerFailed, Servers, free_port

FOLDER = LAB / "variants"
RELOAD_SECONDS = 2.0


class Local:
    """The runtime without Docker. The services get ``server_cpus``; Nginx, the upstream service and the data stores get ``other_cpus``."""

    name = "local"

    def __init__(self, server_cpus: set[int] | None, other_cpus: set[int] | None) -> None:
        self.server_cpus, self.other_cpus = server_cpus, other_cpus
        self.servers = Servers(FOLDER)
        self.plan = make_plan(live=False)
        self.pids: dict[str, list[int]] = {}
        self.values: dict[str, dict[str, str]] = {}
        self.stopping: set[str] = set()  # servers that got SIGTERM and may still be shutting down
        self.changed: set[str] = set()  # variants whose Nginx has a changed server list, or may have marked a server as failed
        self.database: LocalDatabase | None = None
        self.cache: LocalCache | None = None

    def start(self, variants: list[Variant]) -> dict[str, Running]:
        """Start the upstream service once, a database and a cache if a variant needs them, and each variant with its Nginx."""
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        if wrong := run_jobs(self.plan.jobs):
            raise EngineError(wrong)
        self.servers = Servers(FOLDER, keep)
        self.pids, self.values, self.stopping, self.changed = {}, {}, set(), set()
        upstream = free_port()
        self.servers.start("upstream", self.command("upstream", upstream, {}))
        self.database = None
        if any(variant.pool for variant in variants):
            self.database = LocalDatabase(self.servers, self.plan, FOLDER / DATABASE, variants)
        self.cache = LocalCache(self.servers, self.plan) if any(variant.cache for variant in variants) else None
        found = {}
        for number, variant in enumerate(variants):
            found[variant.name] = self.start_one(number, variant, upstream)
        self.wait([name for name in self.servers.running if name not in (DATABASE, CACHE)])
        for data in (self.database, self.cache):
            if data:
                data.place(self.other_cpus)
        return found

    def start_one(self, number: int, variant: Variant, upstream: int) -> Running:
        """Start a variant: one process, or as many as it has replicas, and its Nginx."""
        folder = FOLDER / f"{number}"
        counters = folder / "counters"
        counters.mkdir(parents=True)
        ports = []
        for replica in range(variant.servers):
            ports.append(free_port())
            environment = {
                "UPSTREAM_URL": f"http://127.0.0.1:{upstream}",
                "COUNTERS": str(counters),
                "ADMIN": "off",  # the admin pages are not measured
                "WORKERS": str(variant.workers),
                "THREADS": str(variant.threads),
                **self.connections(variant, number),
                **variant.environment,
            }
            self.servers.start(f"{number}-{replica}", self.command(variant.service, ports[-1], environment, variant))
        if not variant.proxied:
            return Running(variant, f"http://127.0.0.1:{ports[0]}", "", counters)
        port = free_port()
        secure = f"127.0.0.1:{free_port()}"
        listen = {"NGINX_LISTEN": f"127.0.0.1:{port}", "NGINX_LISTEN_TLS": secure}
        self.values[f"{number}"] = {**self.plan.nginx_values, **variant.proxy, **listen}
        self.servers.start(f"{number}-nginx", self.nginx(folder, port, variant.service, ports[: variant.servers - variant.standing_by]))
        return Running(variant, f"http://127.0.0.1:{port}", f"/{variant.service}", counters, f"https://{secure}")

    def connections(self, variant: Variant, number: int) -> dict[str, str]:
        """Return the variant's cache and database addresses, and how many database connections each of its processes may open."""
        found = {"CACHE_URL": self.cache.address(number) if self.cache and variant.cache else NOWHERE}
        if self.database and variant.pool:
            found |= {**self.database.address(self.process(variant.service).environment), "POOL": str(variant.pool)}
        return found

    def process(self, service: str) -> Process:
        """Return the first process of a service in the plan of ``make up``: the source of its command and environment."""
        return next(process for process in self.plan.processes if process.name.split("-")[0] == service)

    def command(self, service: str, port: int, environment: dict[str, str], variant: Variant | None = None) -> Command:
        """Return the command of a service as in ``make up RUNTIME=local``, with another port and other settings."""
        process = self.process(service)
        program, *arguments = WSGI_COMMAND
        words = [str(Path(sys.prefix) / "bin" / program), *arguments] if variant and variant.wsgi else process.command
        words = [*words, *(variant.arguments if variant else ())]
        return Command(words, process.folder, port, {**process.environment, **environment, "PORT": str(port)}, "/healthz")

    def nginx(self, folder: Path, port: int, service: str, ports: list[int]) -> Command:
        """Render the configuration of a variant's Nginx, and return its command."""
        self.render(folder, service, ports)
        place = folder / "nginx"
        return Command([*self.plan.nginx_command, *nginx_local.arguments(place, self.plan.nginx_workers)], place, port, path="/healthz")

    def render(self, folder: Path, service: str, ports: Iterable[int]) -> None:
        """Render Nginx's configuration. The upstreams of the other services point to a closed port."""
        values = self.values[folder.name]
        for name in ("flask", "fastapi", "django"):
            to = ports if name == service else [9]  # port 9 (discard): nothing listens there
            values[f"{name.upper()}_SERVERS"] = " ".join(f"server 127.0.0.1:{number} max_fails=1 fail_timeout=2s;" for number in to)
        nginx_local.render(folder / "nginx", values)

    def names(self, running: Running) -> list[str]:
        """Return the names of a variant's servers, in order."""
        return [f"{running.counters.parent.name}-{replica}" for replica in range(running.variant.servers)]

    def addresses(self, running: Running) -> list[str]:
        """Return the addresses of a variant's servers as they appear in Nginx's log, in order."""
        return [f"127.0.0.1:{self.servers.port(name)}" for name in self.names(running)]

    def signal(self, running: Running, server: int, number: int, worker: bool) -> None:
        """Send a signal to a server, or to its first worker. Raise EngineError if there is no such process."""
        name = self.names(running)[server]
        pids = proc.tree(self.servers.pid(name))
        if number == signal.SIGTERM:
            self.stopping.add(name)
        try:
            os.kill(pids[worker], number)
        except (IndexError, OSError) as error:
            raise EngineError(f"{running.variant.name} has no process to send signal {number} to ({error}).") from None

    def send_to(self, running: Running, servers: Sequence[int]) -> None:
        """Let the variant's Nginx use these servers only: render its configuration and reload it."""
        names = self.names(running)
        self.render(running.counters.parent, running.variant.service, [self.servers.port(names[server]) for server in servers])
        reload(self.servers.pid(f"{running.counters.parent.name}-nginx"))
        self.changed.add(running.variant.name)

    def ask_cache(self, running: Running, *words: str) -> list[str]:
        """Return the answer to a command in the variant's part of Valkey."""
        assert self.cache
        return self.cache.ask(int(running.counters.parent.name), *words)

    def mend(self, running: Running) -> None:
        """Restart the servers that were stopped, and wait until all servers answer and Nginx uses them."""
        names = self.names(running)
        for name in self.stopping.intersection(names):
            self.servers.running[name].wait()
            self.servers.start(name, self.servers.commands[name])
            self.stopping.discard(name)
            self.changed.add(running.variant.name)
        self.wait(names)
        if running.variant.proxied and running.variant.name in self.changed:
            self.send_to(running, range(len(names) - running.variant.standing_by))
            self.changed.discard(running.variant.name)
        self.pids.pop(running.variant.name, None)

    def app_pids(self, running: Running) -> list[int]:
        """Return the current process ids of the application."""
        number = running.counters.parent.name
        names = [name for name in self.servers.running if name.startswith(f"{number}-") and not name.endswith("nginx")]
        return [pid for name in names for pid in proc.tree(self.servers.pid(name))]

    def usage(self, running: Running) -> Usage:
        """Return CPU seconds from the processes' own clocks. Raise EngineError if a process has ended."""
        pids = self.measured_pids(running)
        try:
            user, system = proc.user_and_system(pids)
            total = proc.seconds_by_clock(pids)
        except OSError:
            raise EngineError(f"A process of {running.variant.name} ended while it was measured.") from None
        share = user / (user + system) if user + system else 0.0
        proxy, upstream = (self.part_seconds(name) for name in (f"{running.counters.parent.name}-nginx", "upstream"))
        database = self.database.seconds() if self.database else 0.0
        cache = self.cache.seconds() if self.cache else 0.0
        return Usage(total * share, total * (1 - share), proxy, upstream, proc.accept_queue_overflows(), database, cache)

    def measured_pids(self, running: Running) -> list[int]:
        """Return the application's process ids, looked up only once.

        So a worker that is replaced during a measurement raises an error, instead of going unnoticed.
        """
        if running.variant.name not in self.pids:
            self.pids[running.variant.name] = self.app_pids(running)
        return self.pids[running.variant.name]

    def part_seconds(self, name: str) -> float:
        """Return the CPU seconds of a part that is not under test. Ended processes count, since a reload replaces Nginx's workers."""
        return proc.seconds_with_ended(self.servers.pid(name)) if name in self.servers.running else 0.0

    def holding(self, running: Running) -> Holding:
        """Return memory, threads and sockets from /proc. Raise EngineError if a process has ended."""
        pids = self.app_pids(running)
        try:
            return Holding(len(pids), proc.pss_mib(pids), proc.threads(pids), proc.sockets(pids))
        except OSError:
            raise EngineError(f"A process of {running.variant.name} ended while it was measured.") from None

    def log(self, running: Running) -> str:
        """Return the log of the variant's Nginx."""
        return self.servers.log(f"{running.counters.parent.name}-nginx").read_text(errors="replace")

    def wait(self, names: Iterable[str]) -> None:
        """Wait until these servers answer, then pin them to their CPUs."""
        try:
            self.servers.wait_until_ready(names)
        except ServerFailed as error:
            raise EngineError(str(error)) from None
        # Pin them only now: starting is the longest part of an experiment, and it is faster on all CPUs.
        for name in names:
            cpus = self.other_cpus if name == "upstream" or name.endswith("nginx") else self.server_cpus
            if cpus:
                proc.pin(proc.tree(self.servers.pid(name)), cpus)

    def stop(self) -> None:
        """Stop all servers, and delete their files."""
        with self.servers:
            pass
        shutil.rmtree(FOLDER, ignore_errors=True)


def is_leaving(pid: int) -> bool:
    """Return whether a process is an Nginx worker from before a reload, or has ended.

    Such a worker finishes its requests, and may end at any moment.
    """
    try:
        title = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return True
    return not title or b"is shutting down" in title  # an empty title: the process has ended


def reload(nginx: int) -> None:
    """Reload Nginx. Return when new workers run and all old ones are shutting down, or after ``RELOAD_SECONDS``."""
    old = set(proc.tree(nginx))
    os.kill(nginx, signal.SIGHUP)
    deadline = monotonic() + RELOAD_SECONDS
    while (set(proc.tree(nginx)) <= old or not all(map(is_leaving, old - {nginx}))) and monotonic() < deadline:
        sleep(0.01)

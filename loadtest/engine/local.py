"""Variants as plain processes of this user, each proxied one behind an Nginx of its own."""

import shutil
from pathlib import Path

from loadtest.engine.keeper import keep
from loadtest.engine.variants import EngineError, Holding, Running, Usage
from loadtest.model import Variant
from scripts import nginx_local, proc
from scripts.local_plan import LAB, Process, make_plan, run_jobs
from scripts.servers import Command, ServerFailed, Servers, free_port

FOLDER = LAB / "variants"


class Local:
    """The runtime without Docker. ``server_cpus`` are the services', ``other_cpus`` the proxy's and the upstream's."""

    name = "local"

    def __init__(self, server_cpus: set[int] | None, other_cpus: set[int] | None) -> None:
        self.server_cpus, self.other_cpus = server_cpus, other_cpus
        self.servers = Servers(FOLDER)
        self.plan = make_plan()
        self.pids: dict[tuple[str, str], list[int]] = {}

    def start(self, variants: list[Variant]) -> dict[str, Running]:
        """Start the upstream once, and each variant with its Nginx."""
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        if wrong := run_jobs(self.plan):
            raise EngineError(wrong)
        self.servers = Servers(FOLDER, keep)
        self.pids = {}
        upstream = free_port()
        self.servers.start("upstream", self.command("upstream", upstream, {}))
        found = {}
        for number, variant in enumerate(variants):
            found[variant.name] = self.start_one(number, variant, upstream)
        self.wait()
        return found

    def start_one(self, number: int, variant: Variant, upstream: int) -> Running:
        """The processes of a variant: one, or as many as it has replicas, and its Nginx."""
        replicas = variant.workers if variant.service == "django" else 1
        folder = FOLDER / f"{number}"
        counters = folder / "counters"
        counters.mkdir(parents=True)
        ports = []
        for replica in range(replicas):
            ports.append(free_port())
            environment = {
                "UPSTREAM_URL": f"http://127.0.0.1:{upstream}",
                "COUNTERS": str(counters),
                "WORKERS": str(variant.workers),
                "THREADS": str(variant.threads),
                **variant.environment,
            }
            self.servers.start(f"{number}-{replica}", self.command(variant.service, ports[-1], environment, variant.arguments))
        if not variant.proxied:
            return Running(variant, f"http://127.0.0.1:{ports[0]}", "", counters)
        port = free_port()
        self.servers.start(f"{number}-nginx", self.nginx(folder / "nginx", port, variant.service, ports))
        return Running(variant, f"http://127.0.0.1:{port}", f"/{variant.service}", counters)

    def process(self, service: str) -> Process:
        """The first process of a service in the plan of ``make up``: the same command and the same environment."""
        return next(process for process in self.plan.processes if process.name.split("-")[0] == service)

    def command(self, service: str, port: int, environment: dict[str, str], arguments: tuple[str, ...] = ()) -> Command:
        """A service as ``make up RUNTIME=local`` starts it, on another port and with other settings."""
        process = self.process(service)
        return Command(
            [*process.command, *arguments], process.folder, port, {**process.environment, **environment, "PORT": str(port)}, "/healthz"
        )

    def nginx(self, folder: Path, port: int, service: str, ports: list[int]) -> Command:
        """Our Nginx in front of one variant. Its other upstreams lead nowhere."""
        values = dict(self.plan.nginx_values)
        for name in ("flask", "fastapi", "django"):
            to = ports if name == service else [9]  # discard: nothing listens there
            values[f"{name.upper()}_SERVERS"] = " ".join(f"server 127.0.0.1:{number} max_fails=1 fail_timeout=2s;" for number in to)
        nginx_local.render(folder, values | {"NGINX_LISTEN": f"127.0.0.1:{port}", "NGINX_LISTEN_TLS": f"127.0.0.1:{free_port()}"})
        return Command([*self.plan.nginx_command, *nginx_local.arguments(folder, self.plan.nginx_workers)], folder, port, path="/healthz")

    def trees(self, running: Running) -> dict[str, list[int]]:
        """Process ids by part. They are looked up once: a worker that is replaced in a run is a finding, not a detail."""
        number = running.counters.parent.name
        if (number, "app") not in self.pids:
            self.pids[number, "app"] = self.app_pids(running)
            for part, name in (("proxy", f"{number}-nginx"), ("upstream", "upstream")):
                self.pids[number, part] = proc.tree(self.servers.pid(name)) if name in self.servers.running else []
        return {part: self.pids[number, part] for part in ("app", "proxy", "upstream")}

    def app_pids(self, running: Running) -> list[int]:
        """The application's processes now."""
        number = running.counters.parent.name
        names = [name for name in self.servers.running if name.startswith(f"{number}-") and not name.endswith("nginx")]
        return [pid for name in names for pid in proc.tree(self.servers.pid(name))]

    def usage(self, running: Running) -> Usage:
        """CPU seconds from the processes' own clocks."""
        trees = self.trees(running)
        try:
            user, system = proc.user_and_system(trees["app"])
            total = proc.seconds_by_clock(trees["app"])
            share = user / (user + system) if user + system else 0.0
            proxy, upstream = (proc.seconds_by_clock(trees[part]) for part in ("proxy", "upstream"))
        except OSError:
            raise EngineError(f"A process of {running.variant.name} ended while it was measured.") from None
        return Usage(total * share, total * (1 - share), proxy, upstream, proc.accept_queue_overflows())

    def holding(self, running: Running) -> Holding:
        """Memory, threads and sockets from /proc."""
        pids = self.app_pids(running)
        try:
            return Holding(len(pids), proc.pss_mib(pids), proc.threads(pids), proc.sockets(pids))
        except OSError:
            raise EngineError(f"A process of {running.variant.name} ended while it was measured.") from None

    def log(self, running: Running) -> str:
        """What its Nginx has written."""
        return self.servers.log(f"{running.counters.parent.name}-nginx").read_text(errors="replace")

    def wait(self) -> None:
        """Wait until all answer."""
        try:
            self.servers.wait_until_ready()
        except ServerFailed as error:
            raise EngineError(str(error)) from None
        # Not before: they start on all CPUs, and that is the longest part of an experiment.
        for name in self.servers.running:
            cpus = self.other_cpus if name == "upstream" or name.endswith("nginx") else self.server_cpus
            if cpus:
                proc.pin(proc.tree(self.servers.pid(name)), cpus)

    def stop(self) -> None:
        """End all of them, and remove what they wrote."""
        with self.servers:
            pass
        shutil.rmtree(FOLDER, ignore_errors=True)

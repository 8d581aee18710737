"""Variants as containers of a separate Compose project. Each proxied variant has its own Nginx."""

import json
import shlex
import shutil
import signal
import socket
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from time import monotonic, sleep

from loadtest.engine.cache import password
from loadtest.engine.docker_file import APP_PORT, NGINX_PORT, NGINX_TLS_PORT, Maker, app_names, counters_folder, entry_name
from loadtest.engine.docker_look import Container, check_engine, containers, cpu_seconds, docker, holding, overflows
from loadtest.engine.variants import EngineError, Holding, Running, Usage
from loadtest.engine.watchdog import keep
from loadtest.generator import large_board
from loadtest.model import Variant
from runtime import proc, secrets
from runtime.compose_file import ROOT, project
from runtime.docker.compose import compose
from runtime.local import nginx as nginx_local
from runtime.local.plan import LAB
from runtime.servers import free_port, uninterrupted

# Runs beside the stack of the same name. Other checkouts have other project names, so their laboratories are separate too.
PROJECT = f"{project()}-lab"
FOLDER = LAB / "containers"
FILE = FOLDER / "compose.json"
START_SECONDS = 90
RELOAD_SECONDS = 0.3
# The file that the entry point of Nginx's container renders.
UPSTREAMS = "conf.d/upstreams.conf"


class Docker:
    """The runtime with Docker. The services get ``server_cpus``; Nginx, the upstream service and the data stores get ``other_cpus``.

    ``network`` is the existing network of load generators in containers. The containers under load join it.
    """

    name = "docker"

    def __init__(self, server_cpus: set[int] | None, other_cpus: set[int] | None, network: str | None = None) -> None:
        self.maker = Maker(server_cpus, other_cpus, network)
        self.edge, self.backend = network or f"{PROJECT}_edge", f"{PROJECT}_backend"
        self.prepared = False
        self.containers: dict[str, Container] = {}
        self.stopping: set[str] = set()  # servers that got SIGTERM and may still be shutting down

    def start(self, variants: list[Variant]) -> dict[str, Running]:
        """Start the upstream service once, a database and a cache if a variant needs them, and each variant with its Nginx."""
        self.prepare()
        shutil.rmtree(FOLDER, ignore_errors=True)
        ports = {entry_name(number, variant): free_port() for number, variant in enumerate(variants)}
        for number, variant in enumerate(variants):
            for name in app_names(number, variant):
                counters = counters_folder(FOLDER, number, name)
                counters.mkdir(parents=True)
                counters.chmod(0o777)  # the container runs as another user
        secrets.make_missing(secrets.files())
        text = json.dumps(self.maker.document(variants, FOLDER, ports), indent=1)
        FILE.write_text(text.replace("$", "$$"))  # all values are final, so Compose must not substitute any
        keep(f"project {PROJECT}")
        try:
            self.compose("up", "--detach", "--wait", "--wait-timeout", str(START_SECONDS), "--pull", "never", "--quiet-pull", "--no-build")
        except EngineError as error:
            raise EngineError(self.why(variants) or str(error)) from None
        self.containers = containers(PROJECT)
        if any(variant.cache and variant.pool for variant in variants):
            # Through the Unix socket in its container, which requires no password.
            docker("exec", "--interactive", self.containers["postgres"].id, "psql", *large_board.PSQL, given=large_board.SQL)
        found = {}
        for number, variant in enumerate(variants):
            name = entry_name(number, variant)
            running = Running(
                variant,
                self.target(self.containers[name], NGINX_PORT if variant.proxied else APP_PORT, ports[name]),
                f"/{variant.service}" if variant.proxied else "",
                FOLDER / str(number) / "counters",
                # The port is not published. If this machine cannot reach the container directly, HTTPS is not measured.
                f"https://{self.containers[name].addresses[self.edge]}:{NGINX_TLS_PORT}",
            )
            self.wait(running)
            found[variant.name] = running
        return found

    def prepare(self) -> None:
        """Check once that Docker is usable, build the images that changed, and remove what a killed run left behind."""
        if self.prepared:
            return
        check_engine()
        built = compose("build", "--quiet", quiet=True)
        if built.returncode:
            raise EngineError(f"An image could not be built:\n{built.stderr.strip()[-2000:]}")
        self.stop()
        self.prepared = True

    def target(self, container: Container, inner: int, published: int) -> str:
        """Return the container's own address if this machine can reach it, otherwise its published port.

        On the loopback address, Docker's own proxy serves a published port. It is a process that runs on any CPU, accepts connections
        that the service would not accept, and more than doubles the time of a short request.
        """
        address = container.addresses[self.edge]
        try:
            socket.create_connection((address, inner), timeout=1).close()
        except OSError:
            return f"http://127.0.0.1:{published}"
        return f"http://{address}:{inner}"

    def wait(self, running: Running) -> None:
        """Wait until the service answers through its Nginx, which resolves the service's name every second."""
        url = f"{running.target}{running.prefix}/healthz"
        deadline = monotonic() + START_SECONDS
        while True:
            try:
                with urllib.request.urlopen(url, timeout=5):
                    return
            except OSError as error:
                if monotonic() > deadline:
                    raise EngineError(f"{running.variant.name} does not answer at {url} ({error}).") from None
            sleep(0.05)

    def why(self, variants: list[Variant]) -> str | None:
        """Return a message about a container that did not start, with the end of its log; ``None`` if all of them started."""
        names = {name: one.name for number, one in enumerate(variants) for name in (*app_names(number, one), f"nginx-{number}")}
        for line in self.compose("ps", "--all", "--format", "{{.Service}} {{.State}} {{.Health}}").splitlines():
            service, state, health = [*line.split(), ""][:3]
            if state == "exited" or health == "unhealthy" or (state == "running" and health != "healthy"):
                end = self.compose("logs", "--no-log-prefix", "--tail", "5", service).strip().splitlines()
                of = f" of {names[service]!r}" if service in names else ""
                return f"The container {service}{of} did not start: " + " | ".join(end or ["nothing in its log"])
        return None

    def parts(self, running: Running) -> dict[str, list[Container]]:
        """Return the containers of a variant, by part."""
        number = running.counters.parent.name
        found = {"app": [one for name, one in self.containers.items() if name.startswith(f"app-{number}-")]}
        for part, name in (("proxy", f"nginx-{number}"), ("upstream", "upstream"), ("database", "postgres"), ("cache", "valkey")):
            found[part] = [self.containers[name]] if name in self.containers else []
        return found

    def usage(self, running: Running) -> Usage:
        """Return CPU seconds from the containers' cgroups. Raise EngineError if a container has ended."""
        parts = self.parts(running)
        try:
            return self.used(parts)
        except OSError:
            raise EngineError(f"A container of {running.variant.name} ended while it was measured.") from None

    def used(self, parts: dict[str, list[Container]]) -> Usage:
        """Return what the containers have used so far, by part."""
        app = [cpu_seconds(one) for one in parts["app"]]
        others = ("proxy", "upstream", "database", "cache")
        proxy, upstream, database, cache = (sum(sum(cpu_seconds(one)) for one in parts[part]) for part in others)
        user, system = (sum(one) for one in zip(*app, strict=True))
        return Usage(user, system, proxy, upstream, sum(overflows(one) for one in parts["app"]), database, cache)

    def holding(self, running: Running) -> Holding:
        """Return memory, threads and sockets of the application's containers."""
        return holding(self.parts(running)["app"])

    def log(self, running: Running) -> str:
        """Return the log of the variant's Nginx."""
        return docker("logs", self.containers[f"nginx-{running.counters.parent.name}"].id)

    def names(self, running: Running) -> list[str]:
        """Return the Compose services of a variant's servers, in order."""
        return app_names(int(running.counters.parent.name), running.variant)

    def addresses(self, running: Running) -> list[str]:
        """Return the addresses of a variant's servers as they appear in Nginx's log, in order."""
        return [f"{self.containers[name].addresses[self.backend]}:{APP_PORT}" for name in self.names(running)]

    def signal(self, running: Running, server: int, number: int, worker: bool) -> None:
        """Send a signal to a server, or to its first worker. A process of the same user in the container signals the worker."""
        name = self.names(running)[server]
        container = self.containers[name].id
        if number == signal.SIGTERM:
            self.stopping.add(name)
        if worker:
            script = f"{Path(proc.__file__).read_text()}\nos.kill(tree(1)[1], {int(number)})\n"
            docker("exec", "--interactive", container, "python", "-IS", "-", given=script)
        else:
            docker("kill", "--signal", str(int(number)), container)

    def send_to(self, running: Running, servers: Sequence[int]) -> None:
        """Let the variant's Nginx use these servers only: replace the one file that names them, and reload Nginx."""
        names = self.names(running)
        values = self.maker.nginx(running.variant, [names[server] for server in servers])["environment"]
        text = nginx_local.rendered((ROOT / "nginx/templates/upstreams.conf.template").read_text(), values)
        nginx = self.containers[f"nginx-{running.counters.parent.name}"].id
        docker("exec", "--interactive", nginx, "sh", "-c", f"cat > /etc/nginx/{UPSTREAMS}", given=text)
        docker("kill", "--signal", str(int(signal.SIGHUP)), nginx)
        sleep(RELOAD_SECONDS)

    def ask_cache(self, running: Running, *words: str) -> list[str]:
        """Return the answer to a command in the variant's part of Valkey, from the client in Valkey's container."""
        given = f"AUTH {password(self.maker.secrets)}\nSELECT {running.counters.parent.name}\n{shlex.join(words)}\n"
        said = docker("exec", "--interactive", self.containers["valkey"].id, "valkey-cli", given=given).splitlines()
        if said[:2] != ["OK", "OK"]:
            raise EngineError(f"Valkey does not answer: {' '.join(said)[:200]}")
        return said[2:]

    def mend(self, running: Running) -> None:
        """Restart the containers that were stopped, and wait until all of them answer and Nginx uses them."""
        for name in self.stopping.intersection(self.names(running)):
            docker("wait", self.containers[name].id)
            self.stopping.discard(name)
        self.compose("up", "--detach", "--wait", "--wait-timeout", str(START_SECONDS), "--no-recreate", "--no-build", *self.names(running))
        self.containers = containers(PROJECT)
        if running.variant.proxied:
            self.send_to(running, range(running.variant.servers - running.variant.standing_by))
        self.wait(running)

    def stop(self) -> None:
        """Stop all containers, and delete what they wrote."""
        with uninterrupted():
            # By the project's name, because a killed run left no Compose file. This removes everything that belongs to the project.
            docker("compose", "--project-name", PROJECT, "down", "--volumes", "--remove-orphans", "--timeout", "1")
            self.containers, self.stopping = {}, set()
            shutil.rmtree(FOLDER, ignore_errors=True)

    def compose(self, *arguments: str) -> str:
        """Run Compose with the laboratory's file; return its output."""
        return docker("compose", "--project-name", PROJECT, "--project-directory", str(ROOT), "--file", str(FILE), *arguments)

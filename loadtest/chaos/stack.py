"""The stack under test: compose.yaml unchanged, as a separate Compose project with two replicas of each web service."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any

from loadtest.chaos import Setting, override
from loadtest.engine.docker_look import docker
from loadtest.engine.variants import EngineError
from loadtest.engine.watchdog import keep
from runtime import secrets
from runtime.compose_file import ROOT, defaults, load, variables
from runtime.docker.compose import compose, without_progress
from runtime.docker.target_address import entrance
from runtime.ready import SERVICES, answer, wait_until_ready
from runtime.servers import free_port, uninterrupted

PROJECT = f"{variables().get('COMPOSE_PROJECT_NAME', 'twogates')}-chaos"
FOLDER = ROOT / ".run" / "chaos"
START_SECONDS = 120.0
POLL_SECONDS = 0.2
REPLICAS = {"flask": 2, "fastapi": 2, "django": 2, "upstream": 1, "nginx": 1, "worker": 1, "postgres": 1, "valkey": 1}
# TIMEOUT: Gunicorn kills a hung worker after this, not after the usual 40 seconds that a request may take. It must exceed
# the time for which the suite blocks an event loop, plus the maximum age of the worker's last heartbeat, which is half of
# TIMEOUT. FRONT_PROXY: the load claims an address for each of its virtual clients, as if a proxy forwarded them, and Nginx
# counts each separately. No other client reaches this stack. UNLIMITED_CLIENTS: only loopback, because an attack may come
# from a private address, which the default would not limit. PROFILE: production has no /block. HTTP3, PGBOUNCER: the suite
# names its Compose files itself.
ENVIRONMENT = {
    "PROFILE": "development",
    "EXAMPLE": "on",
    "HTTP3": "off",
    "PGBOUNCER": "off",
    "BIND": "127.0.0.1",
    "TIMEOUT": "12",
    "FRONT_PROXY": "0.0.0.0/0",
    "UNLIMITED_CLIENTS": "127.0.0.0/8 1;",
} | {f"{name.upper()}_REPLICAS": str(count) for name, count in REPLICAS.items() if f"{name.upper()}_REPLICAS" in defaults()}


@dataclass(frozen=True)
class Container:
    """A snapshot of a container. ``pid`` is its first process, as numbered on the engine's machine."""

    id: str
    service: str
    running: bool
    healthy: bool
    pid: int
    address: str  # on the backend network
    restarts: int


class Stack:
    """The stack in one of the two settings. Call ``up`` first and ``down`` last. Errors are EngineError, with one sentence."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.published = free_port()
        self.host, self.port = "127.0.0.1", self.published
        self.said = ""  # the tally that an attack printed
        self.file = FOLDER / "override.json"
        self.environment = {
            **os.environ,
            **ENVIRONMENT,
            "COMPOSE_PROJECT_NAME": PROJECT,
            "HTTP_PORT": str(self.published),
            "HTTPS_PORT": str(free_port()),
        }

    @property
    def base(self) -> str:
        """The base URL of Nginx."""
        return f"http://{self.host}:{self.port}"

    def up(self) -> None:
        """Build changed images, start all containers, and wait until all services answer."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        self.down()
        FOLDER.mkdir(parents=True, exist_ok=True)
        self.file.write_text(json.dumps(override.document(self.setting, FOLDER), indent=1).replace("$", "$$"))
        secrets.make_missing(secrets.files())
        built = compose("build", "--quiet", quiet=True)
        if built.returncode:
            raise EngineError(f"An image could not be built:\n{built.stderr.strip()[-2000:]}")
        keep(f"project {PROJECT}")
        self.compose("up", "--detach", "--wait", "--wait-timeout", f"{START_SECONDS:.0f}", "--pull", "never", "--no-build")
        self.host, self.port = entrance(self.containers("nginx")[0].id, self.published)
        try:
            wait_until_ready(self.base, START_SECONDS)
        except TimeoutError as error:
            raise EngineError(f"The stack of the chaos suite does not answer: {error}") from None

    def down(self) -> None:
        """Remove all containers and volumes, found by the project's name, because a killed run leaves no override file."""
        with uninterrupted():
            for one in docker("ps", "--all", "--quiet", "--filter", f"label={override.LABEL}={PROJECT}").split():
                docker("rm", "--force", one)
            docker("compose", "--project-name", PROJECT, "down", "--volumes", "--remove-orphans", "--timeout", "1")
            shutil.rmtree(FOLDER, ignore_errors=True)

    def keep_log(self) -> None:
        """Write the logs of all containers to a file below .run, to explain a broken promise."""
        with suppress(EngineError):
            (FOLDER.parent / f"chaos-{self.setting}.log").write_text(self.compose("logs", "--no-color", "--timestamps"))

    def mend(self) -> None:
        """Start stopped containers and wait until the stack is whole: the starting point of the next fault."""
        if not self.whole():
            self.compose("up", "--detach", "--no-recreate", "--no-build", "--pull", "never")
        self.wait(self.whole, START_SECONDS)
        wait_until_ready(self.base, START_SECONDS)

    def compose(self, *arguments: str) -> str:
        """Run Compose on this project, and return what it prints. Raise EngineError if it fails."""
        command = ["docker", "compose", "--project-directory", str(ROOT), "--file", str(ROOT / "compose.yaml"), "--file", str(self.file)]
        ran = subprocess.run(
            [*command, *arguments], env=self.environment, capture_output=True, text=True, errors="replace", start_new_session=True
        )
        if ran.returncode:
            raise EngineError(f"docker compose {arguments[0]} failed: {without_progress(ran.stderr)}")
        return ran.stdout

    def containers(self, service: str | None = None) -> list[Container]:
        """Return the containers of a service, or all containers, sorted by name."""
        ids = docker("ps", "--all", "--quiet", "--no-trunc", "--filter", f"label=com.docker.compose.project={PROJECT}").split()
        try:
            inspected = json.loads(docker("inspect", *ids)) if ids else []
        except EngineError:  # a container disappeared between the two commands
            return self.containers(service)
        inspected.sort(key=lambda one: one["Name"])
        return [made for one in inspected if (made := seen(one)).service == service or service is None]

    def replica(self, service: str) -> Container:
        """Return the first replica, which is the target of every fault."""
        return self.containers(service)[0]

    def whole(self) -> bool:
        """Whether every expected container is running and healthy."""
        found = self.containers()
        for service, count in REPLICAS.items():
            mine = [one for one in found if one.service == service]
            if len(mine) != count or not all(one.running and one.healthy for one in mine):
                return False
        return True

    def calls_upstream(self) -> bool:
        """Whether the stack is whole and every service gets an answer from the upstream."""
        return self.whole() and all(answer(f"{self.base}/{service}/upstream?seconds=0") for service in SERVICES)

    def children(self, container: Container) -> list[int]:
        """Return the worker processes of a container: the children of its first process, by their PIDs inside the container."""
        printed = docker("exec", container.id, "sh", "-c", "cat /proc/[0-9]*/stat 2>/dev/null; true")
        found = [re.match(r"(\d+) \(.*\) (\S) (\d+) ", line) for line in printed.splitlines()]
        return sorted(int(one[1]) for one in found if one and one[3] == "1" and one[2] != "Z")

    def signal_inside(self, container: Container, name: str, pid: int) -> None:
        """Send a signal to a process, given by its PID inside the container."""
        docker("exec", container.id, "sh", "-c", f"kill -s {name} {pid}")

    def end_inside(self, container: Container, name: str, pid: int) -> None:
        """Send a signal that ends a process, and wait until the process is gone: until then it still holds its requests."""
        gone = f"[ ! -e /proc/{pid}/status ] || grep -q '^State:.Z' /proc/{pid}/status"
        docker("exec", container.id, "sh", "-c", f"kill -s {name} {pid}; for turn in $(seq 1000); do {gone} && break; sleep 0.01; done")

    def kill_first(self, container: Container) -> None:
        """SIGKILL a container's first process from outside, as the kernel does when memory is short.

        ``docker kill`` is not usable: Docker treats it as a manual stop, after which "restart: unless-stopped" does not
        restart the container. A container's first process cannot be killed from inside.
        """
        image = load()[1]["x-images"]["nginx"]
        limits = ["--pid", "host", "--network", "none", "--user", "0:0", "--cap-drop", "ALL", "--cap-add", "KILL", "--pull", "never"]
        docker("run", "--rm", *limits, "--entrypoint", "sh", image, "-c", f"kill -s KILL {container.pid}")

    @contextmanager
    def helper(self, alias: str, image: str, *command: str) -> Iterator[str]:
        """Run a container beside the stack for the duration of the block, and yield its name. ``image`` is a key of x-images."""
        name = f"{PROJECT}-helper-{alias}"
        network = ["--network", f"{PROJECT}_backend", "--network-alias", alias, "--label", f"{override.LABEL}={PROJECT}"]
        limits = ["--read-only", "--cap-drop", "ALL", "--user", "10001:10001", "--pids-limit", "64", "--memory", "64m", "--pull", "never"]
        given = ["--entrypoint", command[0], load()[1]["x-images"][image], *command[1:]]
        docker("run", "--detach", "--name", name, *network, *limits, *given)
        try:
            yield name
        finally:
            docker("rm", "--force", name)

    def wait(self, condition: Callable[[], bool], seconds: float) -> None:
        """Wait until ``condition`` holds. Raise EngineError after ``seconds``."""
        deadline = monotonic() + seconds
        while not condition():
            if monotonic() > deadline:
                raise EngineError(f"The stack was not whole again after {seconds:.0f} s.")
            sleep(POLL_SECONDS)


def seen(inspected: dict[str, Any]) -> Container:
    """Build a Container from the output of ``docker inspect``."""
    state, networks = inspected["State"], inspected["NetworkSettings"]["Networks"]
    return Container(
        id=inspected["Id"],
        service=inspected["Config"]["Labels"]["com.docker.compose.service"],
        running=state["Running"],
        healthy=state.get("Health", {}).get("Status") == "healthy",
        pid=state["Pid"],
        address=next((one["IPAddress"] for name, one in networks.items() if name.endswith("_backend")), ""),
        restarts=inspected["RestartCount"],
    )

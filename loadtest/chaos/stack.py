"""The stack that faults are done to: compose.yaml as it is, as a Compose project of its own with two replicas of each service."""

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
from loadtest.engine.keeper import keep
from loadtest.engine.variants import EngineError
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
# TIMEOUT: a worker that hangs is killed after this, and not after the 40 seconds that a request may take elsewhere. Still
# longer than what the suite blocks an event loop for, and half of it, which is how old its last report may be.
# FRONT_PROXY: the load claims an address for each of its virtual clients, as if a proxy stood between, and Nginx counts them
# apart. Nobody else reaches this stack. UNLIMITED_CLIENTS: for an attack comes from a private address too. PROFILE: production
# has no /block. HTTP3, PGBOUNCER: the suite names its Compose files itself.
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
    """One container, as Docker saw it a moment ago. ``pid`` is its first process on the engine's machine."""

    id: str
    service: str
    running: bool
    healthy: bool
    pid: int
    address: str  # on the network of the services
    restarts: int


class Stack:
    """The stack in one of two settings; ``up`` and ``down`` bracket all else. Errors are EngineError, in a sentence."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.published = free_port()
        self.host, self.port = "127.0.0.1", self.published
        self.said = ""  # by an attack, of what it did
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
        """Where Nginx is."""
        return f"http://{self.host}:{self.port}"

    def up(self) -> None:
        """Build what changed, start all of it, and wait until all of it answers."""
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
        """Remove all of it, with its volumes. By the project's name: a killed run left no file."""
        with uninterrupted():
            for one in docker("ps", "--all", "--quiet", "--filter", f"label={override.LABEL}={PROJECT}").split():
                docker("rm", "--force", one)
            docker("compose", "--project-name", PROJECT, "down", "--volumes", "--remove-orphans", "--timeout", "1")
            shutil.rmtree(FOLDER, ignore_errors=True)

    def keep_log(self) -> None:
        """Write what all containers said to a file below .run: the next question after a broken promise."""
        with suppress(EngineError):
            (FOLDER.parent / f"chaos-{self.setting}.log").write_text(self.compose("logs", "--no-color", "--timestamps"))

    def mend(self) -> None:
        """Start what does not run, and wait until all is whole: where the next fault begins."""
        if not self.whole():
            self.compose("up", "--detach", "--no-recreate", "--no-build", "--pull", "never")
        self.wait(self.whole, START_SECONDS)
        wait_until_ready(self.base, START_SECONDS)

    def compose(self, *arguments: str) -> str:
        """Run Compose on this project; what it prints."""
        command = ["docker", "compose", "--project-directory", str(ROOT), "--file", str(ROOT / "compose.yaml"), "--file", str(self.file)]
        ran = subprocess.run(
            [*command, *arguments], env=self.environment, capture_output=True, text=True, errors="replace", start_new_session=True
        )
        if ran.returncode:
            raise EngineError(f"docker compose {arguments[0]} failed: {without_progress(ran.stderr)}")
        return ran.stdout

    def containers(self, service: str | None = None) -> list[Container]:
        """Those of a service, or all, in the order of their numbers."""
        ids = docker("ps", "--all", "--quiet", "--no-trunc", "--filter", f"label=com.docker.compose.project={PROJECT}").split()
        try:
            inspected = json.loads(docker("inspect", *ids)) if ids else []
        except EngineError:  # one went between the two commands
            return self.containers(service)
        inspected.sort(key=lambda one: one["Name"])
        return [made for one in inspected if (made := seen(one)).service == service or service is None]

    def replica(self, service: str) -> Container:
        """The replica that a fault is done to: the first."""
        return self.containers(service)[0]

    def whole(self) -> bool:
        """Whether every container that there should be runs and is healthy."""
        found = self.containers()
        for service, count in REPLICAS.items():
            mine = [one for one in found if one.service == service]
            if len(mine) != count or not all(one.running and one.healthy for one in mine):
                return False
        return True

    def calls_upstream(self) -> bool:
        """Whether all is whole, and each service gets an answer of the upstream."""
        return self.whole() and all(answer(f"{self.base}/{service}/upstream?seconds=0") for service in SERVICES)

    def children(self, container: Container) -> list[int]:
        """The worker processes of a container: children of its first process, by their numbers inside it."""
        printed = docker("exec", container.id, "sh", "-c", "cat /proc/[0-9]*/stat 2>/dev/null; true")
        found = [re.match(r"(\d+) \(.*\) (\S) (\d+) ", line) for line in printed.splitlines()]
        return sorted(int(one[1]) for one in found if one and one[3] == "1" and one[2] != "Z")

    def signal_inside(self, container: Container, name: str, pid: int) -> None:
        """Send a signal to a process of a container, by its number inside it."""
        docker("exec", container.id, "sh", "-c", f"kill -s {name} {pid}")

    def end_inside(self, container: Container, name: str, pid: int) -> None:
        """Send a signal that ends a process, and return when the process is gone: until then it holds its requests."""
        gone = f"[ ! -e /proc/{pid}/status ] || grep -q '^State:.Z' /proc/{pid}/status"
        docker("exec", container.id, "sh", "-c", f"kill -s {name} {pid}; for turn in $(seq 1000); do {gone} && break; sleep 0.01; done")

    def kill_first(self, container: Container) -> None:
        """SIGKILL a container's first process from outside, as the kernel does when memory is short.

        ``docker kill`` would be taken for somebody's wish, and "restart: unless-stopped" brings back nothing that was sent a
        signal by it. From inside, a first process cannot be killed.
        """
        image = load()[1]["x-images"]["nginx"]
        limits = ["--pid", "host", "--network", "none", "--user", "0:0", "--cap-drop", "ALL", "--cap-add", "KILL", "--pull", "never"]
        docker("run", "--rm", *limits, "--entrypoint", "sh", image, "-c", f"kill -s KILL {container.pid}")

    @contextmanager
    def helper(self, alias: str, image: str, *command: str) -> Iterator[str]:
        """A container beside the stack for the length of the block: its name. ``image`` is one of compose.yaml's x-images."""
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
        """Until ``condition`` holds; EngineError when it does not in that time."""
        deadline = monotonic() + seconds
        while not condition():
            if monotonic() > deadline:
                raise EngineError(f"The stack was not whole again after {seconds:.0f} s.")
            sleep(POLL_SECONDS)


def seen(inspected: dict[str, Any]) -> Container:
    """A container from what ``docker inspect`` says."""
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

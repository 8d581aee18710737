"""The measurements: the servers, the requests, and the pairs to compare with their aims."""

import sys
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from loadtest.bench import nginx
from loadtest.bench.load import CONNECTIONS
from loadtest.bench.plan import moved, service
from runtime.local.plan import Plan, Process
from runtime.servers import Command, free_port

BIN = Path(sys.executable).parent
APPS = Path(__file__).parent / "apps"
SMALL = {"message": "Hello, World!", "numbers": [1, 2, 3], "nested": {"ok": True, "nothing": None}}

# A client's headers, and the headers that Nginx sends to a service for them (nginx/snippets/headers_to_services.conf).
# Every application gets the second set, the plain ones too.
FROM_CLIENT = {"Host": "127.0.0.1", "User-Agent": "twogates-bench", "Accept": "*/*"}
FROM_NGINX = {
    "Host": "127.0.0.1",
    "X-Request-ID": "5f0c1d2e3b4a59687786a5b4c3d2e1f0",
    "X-Forwarded-For": "127.0.0.1",
    "X-Real-IP": "127.0.0.1",
    "X-Forwarded-Proto": "http",
    "User-Agent": "twogates-bench",
    "Accept": "*/*",
}

GUNICORN = [str(BIN / "gunicorn"), "--no-control-socket", "--workers", "1"]
# The servers with default settings, with two exceptions. All access logs are off (Daphne's default is on). Gunicorn's
# control socket is off, because it would be in the home directory.
SERVERS = {
    "flask": [*GUNICORN, "--worker-class", "sync"],
    "fastapi": [*GUNICORN, "--worker-class", "uvicorn_worker.UvicornWorker"],
    "django": [str(BIN / "daphne"), "--verbosity", "0"],
}
BARE = {"flask": "bare_wsgi", "fastapi": "bare_asgi", "django": "bare_asgi"}
SERVICES = ("flask", "fastapi", "django", "upstream")


@dataclass(frozen=True)
class Cell:
    """One server and one request. ``requests`` of these requests take about 0.2 s of the server's CPU time."""

    name: str
    server: str
    requests: int
    path: str = "/json"
    also: str = ""  # another server whose CPU time is measured too
    connections: int = CONNECTIONS
    block: str = ""  # cells of one block run consecutively in a round, so that compared cells are measured close in time

    @property
    def headers(self) -> dict[str, str]:
        return FROM_CLIENT if self.server.startswith("nginx") else FROM_NGINX

    @property
    def expected(self) -> dict[str, Any]:
        """The members that the JSON object in the answer must have."""
        return EXPECTED.get(self.path, SMALL)


@dataclass(frozen=True)
class Comparison:
    """Two cells, and the maximum cost of ``cell`` as a multiple of the cost of ``other``."""

    cell: str
    other: str
    aim: float


# Enough calls that the cost of the request itself is negligible.
CALLS = 20
CALL_PATH = f"/upstream?seconds=0&calls={CALLS}"
# Requests to the notice board: one row, and a page of twenty messages.
QUERIES = {"board": "/boards/1", "page": "/boards/1/messages?limit=20"}
EXPECTED: dict[str, dict[str, Any]] = {
    "/wait?seconds=0": {"waited": 0},
    CALL_PATH: {"calls": CALLS, "seconds": 0},
    QUERIES["board"]: {"id": 1, "messages": 25},
    QUERIES["page"]: {"next": 20},
}

CELLS = [
    Cell("flask", "flask", 600, block="flask"),
    Cell("flask plain", "flask plain", 600, block="flask"),
    Cell("flask plain again", "flask plain again", 600, block="flask"),
    Cell("flask bare", "flask bare", 800, block="flask"),
    Cell("flask calls", "flask", 32, CALL_PATH, also="upstream", block="flask"),
    Cell("fastapi", "fastapi", 2000, block="fastapi"),
    Cell("fastapi plain", "fastapi plain", 2000, block="fastapi"),
    Cell("fastapi bare", "fastapi bare", 5000, block="fastapi"),
    Cell("fastapi calls", "fastapi", 64, CALL_PATH, also="upstream", block="fastapi"),
    Cell("django", "django", 500, block="django"),
    Cell("django plain", "django plain", 500, block="django"),
    Cell("django bare", "django bare", 1000, block="django"),
    Cell("django calls", "django", 64, CALL_PATH, also="upstream", block="django"),
    Cell("upstream", "upstream", 4000, "/wait?seconds=0", block="upstream"),
    Cell("nginx", "nginx", 5000, "/fastapi/json", block="nginx"),
    Cell("nginx live", "nginx live", 5000, "/fastapi/json", block="nginx"),  # with a second log, for the page's live view
    Cell("nginx plain", "nginx plain", 5000, "/fastapi/json", block="nginx"),
]
CALLERS = ("flask", "fastapi", "django")
# The numbers of requests for a board and for a page: to the service, then to the driver-only application.
QUERYING = 4  # connections; fewer than a loop's pool has, so that no request is refused after waiting for a connection
COUNTS = {"flask": (400, 300, 500, 400), "fastapi": (600, 400, 1200, 800), "django": (200, 150, 600, 500)}
CELLS += [
    Cell(f"{server} {query}", server, requests, QUERIES[query], also="postgres", connections=QUERYING, block=name)
    for name in CALLERS
    for (server, query), requests in zip(product((name, f"{name} driver"), QUERIES), COUNTS[name], strict=True)
]
COMPARISONS = [
    Comparison("flask", "flask plain", 1.15),
    Comparison("fastapi", "fastapi plain", 1.0),
    Comparison("django", "django plain", 1.15),
    Comparison("nginx", "nginx plain", 1.25),
]
# The same application on the same server: the difference between two equal cells.
NOISE = ("flask plain again", "flask plain")


def framework_commands() -> dict[str, Command]:
    """Return the plain and the bare applications, each on a separate server."""
    commands = {}
    for name, words in SERVERS.items():
        for cell, module in ((f"{name} plain", f"plain_{name}"), (f"{name} bare", BARE[name])):
            commands[cell] = framework_command(words, module)
    commands[NOISE[0]] = framework_command(SERVERS["flask"], "plain_flask")
    return commands


def framework_command(words: list[str], module: str) -> Command:
    """Return the command for an application of ``apps`` on a server with default settings."""
    port = free_port()
    bind = ["-b", "127.0.0.1", "-p", str(port)] if words[0].endswith("daphne") else ["--bind", f"127.0.0.1:{port}"]
    return Command([*words, *bind, f"{module}:application"], APPS, port)


def driver_commands(plan: Plan, ports: dict[int, int]) -> dict[str, Command]:
    """Return the driver-only applications, each on a service's type of server and with that service's database."""
    found = {}
    for name, words in SERVERS.items():
        own = first_replica(plan, name).environment
        environment = {variable: moved(own[variable], ports) for variable in ("DATABASE_URL", "DATABASE_PASSWORD_FILE")}
        found[f"{name} driver"] = replace(framework_command(words, BARE[name].replace("bare", "driver")), environment=environment)
    return found


def service_commands(plan: Plan, ports: dict[int, int]) -> dict[str, Command]:
    """Return the project's services, each with one worker and one thread."""
    return {name: service(first_replica(plan, name), ports, WORKERS="1", THREADS="1") for name in SERVICES}


def first_replica(plan: Plan, name: str) -> Process:
    """Return the process of a service; the first one if it has several."""
    return next(process for process in plan.processes if process.name in (name, f"{name}-1"))


def new_ports(plan: Plan) -> dict[int, int]:
    """Return a free port for each port that the plan assigns to a service."""
    return {int(process.environment["PORT"]): free_port() for process in plan.processes if process.environment.get("PORT")}


def all_commands(plan: Plan, ports: dict[int, int], folder: Path) -> dict[str, Command]:
    """Return every server of a run. Each Nginx has one worker and proxies to the bare ASGI application."""
    commands = service_commands(plan, ports) | driver_commands(plan, ports) | framework_commands()
    upstream = commands["fastapi bare"].port
    fastapi = int(first_replica(plan, "fastapi").environment["PORT"])
    commands["nginx"] = nginx.ours(plan, folder / "nginx", free_port(), {fastapi: upstream}, "1")
    live = folder / "live"
    live.mkdir()
    logging = replace(plan, nginx_values={**plan.nginx_values, "LIVE_LOG_OFF": "", "LIVE_FOLDER": str(live)})
    commands["nginx live"] = nginx.ours(logging, folder / "nginx-live", free_port(), {fastapi: upstream}, "1")
    commands["nginx plain"] = nginx.plain(plan, folder / "nginx-plain", free_port(), upstream)
    return commands

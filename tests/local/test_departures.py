"""A client that leaves at any moment causes at most one line in a service's log, at level INFO and as JSON."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from runtime.local import nginx as nginx_local
from runtime.local.plan import make_plan
from runtime.servers import Command, Servers, free_port
from tests.departures import WAYS, Endpoint, endpoints, leave, moments
from tests.servers import servers
from tests.stack import SERVICES

AT_ONCE = 8  # concurrent clients
# Endpoints that are not part of the contract.
OTHERS = {
    "monitor": [
        Endpoint("GET", "/live/events"),
        Endpoint("GET", "/live/requests/aaaaaaaa"),
        Endpoint("POST", "/live/load", b'{"users": 1, "name": "x"}'),
    ],
    "upstream": [Endpoint("GET", "/wait?seconds=0.2")],
    # The laboratory's: code that calls another service is bound to an event loop, and under WSGI each request has its own.
    "django-wsgi": [endpoint for endpoint in endpoints() if endpoint.body],
}
# Django's message if the database has no free connection, as on a slow machine: an answer, whose client may still be there.
SHED = "Service Unavailable: "
# Loggers of a server itself, at its start and when it is told to stop.
OF_ITSELF = {"gunicorn.error", "drain"}


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize("name", ["flask", "flask-threads", "fastapi", "django", "django-wsgi", "monitor", "upstream"])
def test_a_client_that_leaves(name: str, tmp_path: Path) -> None:
    with Servers(tmp_path) as running:
        server = servers()[name]
        environment = {**server.environment, "LOG_LEVEL": "info", "GRACEFUL_TIMEOUT": "10"}
        running.start(name, Command(server.words, server.folder, server.port, environment, server.path))
        routes = {server.port: ""}
        if (service := name.split("-")[0]) in [service.name for service in SERVICES]:
            routes[start_nginx(running, tmp_path / "nginx", server.port)] = f"/{service}"
        running.wait_until_ready()
        with ThreadPoolExecutor(AT_ONCE) as clients:
            for one in [clients.submit(leave, *client) for client in departures(OTHERS.get(name) or endpoints(), routes)]:
                one.result()
        running.stop()  # the log is complete when the process has ended
        lines = running.log(name).read_text().splitlines()
    assert not [line for line in lines if not line.startswith("{")]
    records = [json.loads(line) for line in lines]
    wrong = [record for record in records if record["level"] not in ("INFO", "DEBUG") or "exc_info" in record]
    assert not [record for record in wrong if not record["message"].startswith(SHED)], json.dumps(wrong, indent=1)
    assert {record["logger"] for record in records if record["request_id"] == "-"} <= OF_ITSELF
    ids = Counter(record["request_id"] for record in records if record["request_id"] != "-")
    assert not {request_id: number for request_id, number in ids.items() if number > 1}


def departures(asked: list[Endpoint], routes: dict[int, str]) -> Iterator[tuple[Any, ...]]:
    """Yield every endpoint and moment, with the ways and the routes in turn; with DEPARTURES=all, by every way and route."""
    turns = list(product(routes.items(), WAYS))
    turn = 0
    for endpoint in asked:
        for at in range(len(list(moments(endpoint, "")))):
            turn += 1
            for (port, prefix), way in turns if os.environ.get("DEPARTURES") == "all" else [turns[turn % len(turns)]]:
                _, sent, reads, then = list(moments(endpoint, prefix))[at]
                yield port, sent, reads, then, way


def start_nginx(running: Servers, folder: Path, port: int) -> int:
    """Start an Nginx in front of the server; return its port."""
    plan, own = make_plan(), free_port()
    values = {f"{service.name.upper()}_SERVERS": f"server 127.0.0.1:{port};" for service in SERVICES}
    values |= {"NGINX_LISTEN": f"127.0.0.1:{own}", "NGINX_LISTEN_TLS": f"127.0.0.1:{free_port()}"}
    nginx_local.render(folder, plan.nginx_values | values)
    running.start("nginx", Command([*plan.nginx_command, *nginx_local.arguments(folder, "1")], folder, own, path="/healthz"))
    return own

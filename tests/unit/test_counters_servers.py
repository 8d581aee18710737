"""What the services count inside their processes, each on its own server."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from tests.checkouts import free_port
from tests.waiting import until
from twogates.counters import read

SERVICES = Path(__file__).parents[2] / "services"
LIMITS = {
    "PROFILE": "development",
    "BODY_LIMIT": "65536",
    "UPLOAD_LIMIT": "65536",
    "UPSTREAM_URL": "http://127.0.0.1:9",
    "UPSTREAM_CONNECTIONS": "10",
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nothing",
    "CACHE_URL": "redis://127.0.0.1:9/0",
    "POST_LIMIT": "600",
    "POOL": "auto",
}
SERVER = {"HOST": "127.0.0.1", "LOG_LEVEL": "warning", "GRACEFUL_TIMEOUT": "5", "TRUSTED_PROXIES": "127.0.0.1", "TIMEOUT": "40"}
MORE = {"BACKLOG": "100", "KEEPALIVE": "75", "ADMIN": "off"}
COMMANDS = {
    "flask_sync": [sys.executable, "-m", "gunicorn", "--config", "server.py", "app:application"],
    "fastapi_async": [sys.executable, "-m", "gunicorn", "--config", "server.py", "app:application"],
    "django_async": [sys.executable, "server.py"],
}
Start = Callable[..., str]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a service that counts in ``tmp_path``; its address."""
    with ExitStack() as stack:

        def started(service: str, **settings: str) -> str:
            port = free_port()
            environment = LIMITS | SERVER | MORE | {"PYTHONPATH": str(SERVICES / "shared"), "PORT": port, "COUNTERS": str(tmp_path)}
            process = subprocess.Popen(COMMANDS[service], cwd=SERVICES / service, env={**os.environ, **environment, **settings})
            stack.callback(process.wait, 30)
            stack.callback(process.terminate)
            url = f"http://127.0.0.1:{port}"
            until(f"{service} answers", lambda: alive(url))
            assert process.poll() is None
            assert not list(tmp_path.rglob(f"*{process.pid}")) or service == "django_async"  # workers count, not their parent
            return url

        yield started


def alive(url: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"{url}/healthz").status_code == 200
    return False


def totals(folder: Path) -> tuple[int, int, int]:
    """Begun, in flight and open sockets, of all processes."""
    counted = [read(path) for path in folder.iterdir()]
    return sum(one.begun for one in counted), sum(one.in_flight for one in counted), sum(one.sockets for one in counted)


@pytest.mark.parametrize(
    ("service", "settings"),
    [
        ("flask_sync", {"WORKERS": "2", "THREADS": "1", "PRELOAD": "false"}),
        ("flask_sync", {"WORKERS": "2", "THREADS": "1", "PRELOAD": "true"}),
        ("flask_sync", {"WORKERS": "2", "THREADS": "4", "PRELOAD": "true"}),
        ("fastapi_async", {"WORKERS": "2", "PRELOAD": "false"}),
        ("fastapi_async", {"WORKERS": "2", "PRELOAD": "true"}),
        ("django_async", {}),
    ],
    ids=str,
)
def test_a_service_counts_every_request(start: Start, tmp_path: Path, service: str, settings: dict[str, str]) -> None:
    url = start(service, **settings)
    # A worker has a file before its first request.
    until("every worker has a file", lambda: len(list(tmp_path.iterdir())) == int(settings.get("WORKERS", "1")))
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda path: httpx.get(url + path).status_code, ["/json", "/nothing", "/static/gates.svg", "/healthz"] * 10)
        )
    assert answers == [200, 404, 200, 200] * 10
    until("all requests are counted", lambda: totals(tmp_path) == (30, 0, 0))


@pytest.mark.parametrize("service", COMMANDS)
def test_a_client_that_leaves_is_no_longer_in_flight(start: Start, tmp_path: Path, service: str) -> None:
    url = start(service, WORKERS="1")
    with socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1]))) as client:
        client.sendall(b"GET /stream?chunks=2000&interval=0.01 HTTP/1.1\r\nHost: x\r\n\r\n")
        client.recv(1)
        until("the request is in flight", lambda: totals(tmp_path) == (1, 1, 0))
    until("the request is over", lambda: totals(tmp_path) == (1, 0, 0))


@pytest.mark.parametrize("service", ["fastapi_async", "django_async"])
def test_an_open_socket_is_counted_beside_the_requests(start: Start, tmp_path: Path, service: str) -> None:
    from websockets.sync.client import connect

    url = start(service, WORKERS="1")
    with connect(url.replace("http", "ws", 1) + "/ws"):
        until("the socket is counted", lambda: totals(tmp_path) == (0, 0, 1))
    until("the socket is gone", lambda: totals(tmp_path) == (0, 0, 0))
    until("the loop has measured its lag", lambda: all(read(path).lag_samples > 2 for path in tmp_path.iterdir()))


@pytest.mark.parametrize(("service", "workers"), [("flask_sync", 2), ("fastapi_async", 2), ("django_async", 1)])
def test_every_server_keeps_saying_that_its_processes_live(start: Start, tmp_path: Path, service: str, workers: int) -> None:
    started = time.time()
    start(service, WORKERS=str(workers), COUNTED_AS="one")
    until("every worker has a file", lambda: len(list((tmp_path / "one").iterdir())) == workers)
    first = {path: read(path) for path in (tmp_path / "one").iterdir()}
    assert all(started <= one.alive <= time.time() and one.memory > 2**20 for one in first.values())
    until("every process says again that it lives", lambda: all(read(path).alive > one.alive for path, one in first.items()))

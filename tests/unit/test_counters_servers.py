"""What the services count inside their processes, each service on its own server."""

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests import bare_service
from tests.waiting import until
from twogates.http.counters import read

Start = Callable[..., str]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts a service with counters in ``tmp_path`` and returns its address."""
    with ExitStack() as stack:

        def started(service: str, **settings: str) -> str:
            url, number = stack.enter_context(bare_service.started(service, COUNTERS=str(tmp_path), **settings))
            assert not list(tmp_path.rglob(f"*{number}")) or service == "django_async"  # only workers count, not their parent
            return url

        yield started


def totals(folder: Path) -> tuple[int, int, int]:
    """Return the requests begun, the requests in flight, and the open sockets, summed over all processes."""
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
    # A worker creates its file before its first request.
    until("every worker has a file", lambda: len(list(tmp_path.iterdir())) == int(settings.get("WORKERS", "1")))
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda path: httpx.get(url + path).status_code, ["/json", "/nothing", "/static/gates.svg", "/healthz"] * 10)
        )
    assert answers == [200, 404, 200, 200] * 10
    until("all requests are counted", lambda: totals(tmp_path) == (30, 0, 0))


@pytest.mark.parametrize("service", bare_service.COMMANDS)
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

"""A service that is told to stop finishes the requests that it has started, and refuses others at once."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from threading import Event

import httpx
import pytest
import websockets.sync.client as websocket_client
from websockets.exceptions import ConnectionClosed

from runtime import proc
from runtime.ready import answer
from runtime.servers import free_port
from tests.servers import servers
from tests.waiting import until

# The first piece shows that the request is in flight; the second comes 3 seconds later.
STREAM = "/stream?chunks=2&interval=3"
WHOLE = "chunk 1 of 2\nchunk 2 of 2\n"


@dataclass
class Running:
    """A service that runs alone, without Nginx."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def service(request: pytest.FixtureRequest) -> Iterator[Running]:
    """The service that the test names."""
    with started(request.param) as running:
        yield running


@contextmanager
def started(name: str, config: str = "", graceful: int = 10) -> Iterator[Running]:
    """Start a server as the project does, with its own port, a short time limit for its shutdown, and a configuration if given."""
    server, port = servers()[name], free_port()
    environment = {**os.environ, **server.environment, "PORT": str(port), "GRACEFUL_TIMEOUT": str(graceful), "COUNTERS": ""}
    command = [config if config and word.endswith("server.py") else word for word in server.words]
    with subprocess.Popen(command, cwd=server.folder, env=environment) as process:
        running = Running(process, port)
        try:
            deadline = time.monotonic() + 60
            while answer(f"{running.url}/healthz") is None:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield running
        finally:
            for pid in proc.tree(process.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


# As if a signal came right after the fork, for the first worker only.
SIGNALLED_AT_BIRTH = """
import os, runpy, signal
globals().update(runpy.run_path("server.py"))
ours = post_fork
def post_fork(server, worker):
    if worker.age == 1:
        open({path!r}, "w").write(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGTERM)
    ours(server, worker)
"""


@pytest.mark.parametrize("name", ["flask", "flask-threads", "fastapi"])
def test_a_worker_that_is_told_to_end_when_it_is_born_ends(name: str, tmp_path: Path) -> None:
    config, born = tmp_path / "config.py", tmp_path / "born"
    config.write_text(SIGNALLED_AT_BIRTH.format(path=str(born)))
    with started(name, config=str(config), graceful=200) as service:
        until("the worker has ended", lambda: not Path(f"/proc/{born.read_text()}").exists())
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(60) == 0  # sooner than GRACEFUL_TIMEOUT, when Gunicorn kills a worker that missed the signal


# Gunicorn's sync worker checks only every 20 seconds.
@pytest.mark.parametrize("service", ["flask-threads", "fastapi"], indirect=True)
def test_workers_end_when_their_master_is_killed(service: Running) -> None:
    """Workers that stay keep the port, and the next start fails."""
    workers = proc.tree(service.process.pid)[1:]
    assert workers
    service.process.kill()
    service.process.wait()
    until("the workers have ended", lambda: not proc.alive(workers))


@pytest.mark.parametrize("service", ["flask", "flask-threads", "fastapi", "django-1", "django-wsgi"], indirect=True)
def test_requests_in_flight_are_finished(service: Running) -> None:
    with ExitStack() as stack:
        begun = begin(service, stack)
        service.process.send_signal(signal.SIGTERM)
        assert [first + "".join(rest) for first, rest in begun] == [WHOLE] * 3
    assert service.process.wait(20) == 0


def test_who_watches_holds_nothing_up() -> None:
    with started("monitor", graceful=200) as service, httpx.stream("GET", f"{service.url}/live/events", timeout=60) as events:
        pieces = events.iter_text()
        next(pieces)
        service.process.send_signal(signal.SIGTERM)
        assert all(piece.startswith("data: ") for piece in pieces)  # until the answer ends
        assert service.process.wait(60) == 0


@pytest.mark.parametrize("service", ["django-1"], indirect=True)
def test_new_connections_are_refused_meanwhile(service: Running) -> None:
    with ExitStack() as stack:
        begun = begin(service, stack)
        service.process.send_signal(signal.SIGTERM)
        wait_until_refused(service, 2.5)  # the requests end after 3
        assert service.process.poll() is None, "it was gone before it had finished"
        assert [first + "".join(rest) for first, rest in begun] == [WHOLE] * 3
    assert service.process.wait(20) == 0


def begin(service: Running, stack: ExitStack) -> list[tuple[str, Iterator[str]]]:
    """Start three streams; return the first piece of each, and an iterator over the rest."""
    client = stack.enter_context(httpx.Client(timeout=20))
    responses = [stack.enter_context(client.stream("GET", service.url + STREAM)) for _ in range(3)]
    pieces = [response.iter_text() for response in responses]
    return [(next(piece), piece) for piece in pieces]


@pytest.mark.parametrize("service", ["fastapi", "django-1"], indirect=True)
def test_websockets_are_told_to_come_back(service: Running) -> None:
    with websocket_client.connect(f"ws://127.0.0.1:{service.port}/ws") as client:
        client.send("here")
        assert client.recv(timeout=60) == "here"
        service.process.send_signal(signal.SIGTERM)
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=60)
        assert client.close_code == 1012
    assert service.process.wait(20) == 0


@pytest.mark.usefixtures("stack")  # a feed queries the database
@pytest.mark.parametrize(
    ("service", "number"),
    [
        *((name, signal.SIGTERM) for name in ("flask", "flask-threads", "fastapi", "django-1")),
        *((name, signal.SIGHUP) for name in ("flask", "flask-threads", "fastapi")),
        ("flask-threads", signal.SIGINT),  # interrupts a process at once; a thread has to end by itself
    ],
    indirect=["service"],
    ids=lambda value: getattr(value, "name", value),
)
def test_event_streams_end(service: Running, number: signal.Signals) -> None:
    """A feed ends when its process is told to stop, long before its time limit (30 s)."""
    with ExitStack() as stack:
        client = stack.enter_context(httpx.Client(timeout=60))
        answer = stack.enter_context(client.stream("GET", f"{service.url}/boards/1/feed"))
        assert answer.status_code == 200
        feed = answer.iter_raw()
        next(feed)
        longer = stack.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=60))
        longer.sendall(b"GET /stream?chunks=2&interval=15 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while b"chunk 1 of 2" not in longer.recv(4096):
            pass
        longer.setblocking(False)
        service.process.send_signal(number)
        for _ in feed:
            with suppress(BlockingIOError):
                assert b"chunk 2 of 2" not in longer.recv(4096), "the feed outlived a stream of 15 s"


@pytest.mark.parametrize("name", ["flask", "flask-threads", "django-wsgi"])
def test_what_waits_in_the_backlog_is_served(name: str) -> None:
    """Connections that no worker has accepted when it is told to stop: a POST among them could not be retried."""
    with started(name, graceful=120) as service, ExitStack() as stack:
        stopped, answered = workers(service), set[int]()

        def all_serve() -> bool:
            answered.update(one.json()["pid"] for one in clients.map(lambda _: httpx.get(f"{service.url}/", timeout=60), range(16)))
            return stopped <= answered

        with ThreadPoolExecutor(16) as clients:
            until("every worker has answered: one that starts has no handler of signals yet", all_serve)
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        # Otherwise, of two pending signals, the kernel delivers SIGTERM first.
        until("each worker stands still", lambda: all(map(is_stopped, stopped)))
        waiting = [stack.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=60)) for _ in range(12)]
        for one in waiting:
            one.sendall(b"POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nbody")
        service.process.send_signal(signal.SIGTERM)
        until("the signal reaches each worker", lambda: all(is_pending(pid, signal.SIGTERM) for pid in stopped))
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
        for one in waiting:
            assert one.recv(4096).startswith(b"HTTP/1.1 200 OK")
            one.close()  # as Nginx does; otherwise each worker waits for its client to close it
        assert service.process.wait(60) == 0


def status_of(pid: int) -> dict[str, str]:
    return dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())


def is_stopped(pid: int) -> bool:
    return status_of(pid)["State"].startswith("T")


def is_pending(pid: int, number: int) -> bool:
    """Return whether a signal is pending for a stopped process."""
    return bool(int(status_of(pid)["ShdPnd"], 16) >> number - 1 & 1)


@pytest.mark.parametrize("service", ["flask", "flask-threads"], indirect=True)
def test_who_is_connected_is_served(service: Running) -> None:
    """All workers are busy, and more connections wait in the kernel's queue: a POST among them could not be retried."""
    identity = answer(f"{service.url}/")
    assert identity
    with ExitStack() as stack:
        client = stack.enter_context(httpx.Client(timeout=20))
        busy = [stack.enter_context(client.stream("GET", service.url + STREAM)) for _ in range(int(str(identity["slots"])))]
        for one in busy:
            next(one.iter_raw())
        waiting = [stack.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=20)) for _ in range(3)]
        for one in waiting:
            one.sendall(b"POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nbody")
        service.process.send_signal(signal.SIGTERM)
        for one in waiting:
            assert one.recv(4096).startswith(b"HTTP/1.1 200 OK")
    assert service.process.wait(20) == 0


@pytest.mark.parametrize("service", ["flask", "flask-threads"], indirect=True)
def test_a_line_that_never_ends_is_left_to_the_new_workers(service: Running) -> None:
    """After HUP under full load, a worker that served its queue to the end would never stop."""
    over = Event()

    def ask() -> set[int]:
        found = set()
        with httpx.Client(timeout=20) as client:
            while not over.is_set():
                found.add(client.get(f"{service.url}/wait?seconds=0.1").status_code)
        return found

    with ThreadPoolExecutor(30) as clients:
        asking = [clients.submit(ask) for _ in range(30)]
        try:
            before = workers(service)
            service.process.send_signal(signal.SIGHUP)
            until("the old workers have ended", lambda: not before & workers(service))
        finally:
            over.set()
        assert [one.result() for one in asking] == [{200}] * 30


def workers(service: Running) -> set[int]:
    """Return the child processes of a service's first process."""
    return {int(pid) for pid in Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children").read_text().split()}


# A busy machine may need longer than the servers' own one or two seconds to use a connection that was kept open.
LINGERING = """
import runpy
from gunicorn.workers import gthread
from twogates.server import graceful_uvicorn as lingering
gthread.STOP_KEEPALIVE_LINGER = lingering.LINGER_SECONDS = 4
globals().update(runpy.run_path({server!r}))
"""


@pytest.mark.parametrize("name", ["flask-threads", "django-wsgi", "fastapi"])
def test_what_is_sent_on_a_kept_connection_is_answered(name: str, tmp_path: Path) -> None:
    """Nginx keeps connections open, and may use one before it notices the server's shutdown: a POST could not be retried."""
    config = tmp_path / "config.py"
    config.write_text(LINGERING.format(server="wsgi_server.py" if name == "django-wsgi" else "server.py"))
    with started(name, config=str(config)) as service, ExitStack() as stack:
        kept = HTTPConnection("127.0.0.1", service.port, timeout=60)
        stack.callback(kept.close)
        kept.request("GET", "/json")
        kept.getresponse().read()
        used = kept.sock
        service.process.send_signal(signal.SIGTERM)
        wait_until_refused(service, 3.5)
        kept.request("POST", "/upload", b"body")
        assert kept.sock is used
        answered = kept.getresponse()
        assert (answered.status, answered.headers["Connection"]) == (200, "close")
        assert service.process.wait(20) == 0


def wait_until_refused(service: Running, seconds: float) -> None:
    """Wait until the service accepts no more connections."""
    deadline = time.monotonic() + seconds
    while True:
        assert time.monotonic() < deadline, "it goes on accepting"
        try:
            socket.create_connection(("127.0.0.1", service.port), timeout=0.2).close()
        except TimeoutError:  # the backlog is full after that many attempts
            continue
        except (ConnectionRefusedError, ConnectionResetError):  # reset: the connection came just before the end of listening
            return


@pytest.mark.parametrize("service", ["django-1"], indirect=True)
def test_a_websocket_that_comes_while_it_stops_is_told_too(service: Running) -> None:
    """Nginx keeps connections open, and may send a returning client to the replica that the client was told to leave."""
    with ExitStack() as stack:
        kept = stack.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=60))
        kept.sendall(b"GET /json HTTP/1.1\r\nHost: localhost\r\n\r\n")
        received = b""
        while not received.endswith(b"}"):
            received += kept.recv(4096)
        begin(service, stack)
        service.process.send_signal(signal.SIGTERM)
        wait_until_refused(service, 2.5)  # the requests end after 3
        upgrade = b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        kept.sendall(upgrade + b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
        received = b""
        while not received.endswith(b"\x88\x02\x03\xf4"):  # a close frame with code 1012
            part = kept.recv(4096)
            assert part, f"ended without a close frame: {received!r}"
            received += part


@pytest.mark.parametrize("service", ["django-1"], indirect=True)
def test_what_takes_longer_than_the_time_is_cut_off(service: Running) -> None:
    with httpx.stream("GET", f"{service.url}/stream?chunks=2&interval=15", timeout=40) as response:
        pieces = response.iter_text()
        next(pieces)
        service.process.send_signal(signal.SIGTERM)
        with pytest.raises(httpx.RemoteProtocolError):
            list(pieces)
    assert service.process.wait(20) == 0

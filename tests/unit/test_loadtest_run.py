"""A whole run against a small real server, which can be told to answer wrongly."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

ROOT = Path(__file__).parent.parent.parent
SLOTS = 2
HELD_SECONDS = 0.02
IDENTITY = {
    "interface": "WSGI",
    "server": "small",
    "worker_class": "thread",
    "versions": {"python": "3"},
    "slots": SLOTS,
    "host": "here",
    "pid": 1,
}


class Handler(BaseHTTPRequestHandler):
    """Answers as a service with two slots, or with the lie that the server was told to tell."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    def do_GET(self) -> None:
        service, _, endpoint = self.path[1:].partition("/")
        if not endpoint:
            self.answer(json.dumps({**IDENTITY, "service": "rails" if self.server.lie == "name" else service}).encode())
            return
        with self.server.slots:
            time.sleep(HELD_SECONDS)  # what the service is for
        self.server.answered[endpoint.partition("?")[0]] += 1
        match endpoint.partition("?")[0]:
            case "wait":
                seconds = 9.0 if self.server.lie == "body" else HELD_SECONDS
                self.answer(json.dumps({"waited": seconds}).encode(), status=500 if self.server.lie == "status" else 200)
            case "stream":
                self.pieces("text/plain", [b"chunk %d of 3\n" % number for number in (1, 2, 3)])
            case "events":
                self.pieces("text/event-stream", [b'id: %d\ndata: {"event":%d,"of":3}\n\n' % (number, number) for number in (1, 2, 3)])

    def answer(self, body: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if self.server.lie == "type" else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.finish_head()
        self.wfile.write(body)

    def finish_head(self) -> None:
        request_id = self.headers.get("X-Request-ID", "")
        self.send_header("X-Request-ID", "somebody-elses" if self.server.lie == "id" else request_id)
        self.end_headers()

    def pieces(self, content_type: str, pieces: list[bytes]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.finish_head()
        if self.server.lie == "order":
            pieces = pieces[::-1]
        if self.server.lie == "more":
            pieces = [*pieces, pieces[-1]]
        for piece in pieces[: 1 if self.server.lie == "cut" else None]:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        if self.server.lie == "cut":
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *args: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    lie = ""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.slots = threading.BoundedSemaphore(SLOTS)
        self.answered: Counter[str] = Counter()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no news."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


def command(target: str, results: Path, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """A short run with few users, and its environment."""
    options = ["--users", "6", "--seconds", "0.6", "--warmup", "0.1", "--chunks", "3", "--interval", "0", "--wait", str(HELD_SECONDS)]
    words = [
        sys.executable,
        "-m",
        "loadtest",
        "load",
        "--services",
        "flask",
        *options,
        "--target",
        target,
        "--results",
        str(results),
        *arguments,
    ]
    return words, {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}


def run(target: str, results: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    words, environment = command(target, results, *arguments)
    return subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)


def test_right_answers(server: Server, tmp_path: Path) -> None:
    done = run(server.url, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads((tmp_path / "latest" / "results.json").read_text())
    (cell,) = document["cells"]
    assert 0 < cell["successes"] < server.answered["wait"]  # those of the warm-up and the drain are not counted
    assert cell["measured"] == pytest.approx(cell["successes"] / cell["window_seconds"])
    assert cell["predicted"] == pytest.approx(SLOTS / HELD_SECONDS)
    assert cell["failures"] == cell["failures_outside"] == 0
    assert HELD_SECONDS <= cell["latency"]["min"] <= cell["latency"]["p50"] <= cell["latency"]["p99"] <= cell["latency"]["max"]
    assert "With 6 users flask answered" in done.stdout
    assert done.stdout.splitlines()[-2:] == [
        f"Report: {(tmp_path / 'latest').resolve() / 'index.html'}",
        "Next: make load WORKLOAD=block USERS=16",
    ]
    assert "flask (1 of 1): warm-up" in done.stderr


def test_json_on_standard_output(server: Server, tmp_path: Path) -> None:
    done = run(server.url, tmp_path, "--json")
    assert json.loads(done.stdout) == json.loads((tmp_path / "latest" / "results.json").read_text())


@pytest.mark.parametrize(
    ("lie", "workload", "error"),
    [
        ("status", "wait", "status 500"),
        ("body", "wait", "another body than expected"),
        ("type", "wait", "not of type application/json"),
        ("id", "wait", "an answer to another request"),
        ("id", "stream", "an answer to another request"),
        ("order", "stream", "piece 1 is not the expected one"),
        ("more", "events", "piece 4 is not the expected one"),
        ("cut", "events", "cut off"),
    ],
)
def test_a_wrong_answer_is_a_failure(server: Server, tmp_path: Path, lie: str, workload: str, error: str) -> None:
    server.lie = lie
    done = run(server.url, tmp_path, "--workload", workload, "--json")
    assert done.returncode == 1, done.stdout + done.stderr
    (cell,) = json.loads(done.stdout)["cells"]
    assert cell["successes"] == 0
    assert cell["failures"] > 0
    assert [reason for reason in cell["errors"] if reason.startswith(error)]
    assert "no request was answered rightly" in cell["not_valid"]
    assert done.stderr.endswith("Next: make logs\n")


@pytest.mark.parametrize("workload", ["stream", "events"])
def test_streams_have_a_first_piece(server: Server, tmp_path: Path, workload: str) -> None:
    done = run(server.url, tmp_path, "--workload", workload, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    (cell,) = json.loads(done.stdout)["cells"]
    assert cell["successes"] > 0
    assert 0 < cell["first_piece"]["min"] <= cell["latency"]["max"]


def test_another_service_behind_the_path(server: Server, tmp_path: Path) -> None:
    server.lie = "name"
    done = run(server.url, tmp_path)
    assert done.returncode == 2
    assert done.stderr == f"loadtest: Another service than flask answers at {server.url}/flask/. Start the stack with: make up\n"


def test_ctrl_c(server: Server, tmp_path: Path) -> None:
    words, environment = command(server.url, tmp_path / "results", "--seconds", "60")
    running = subprocess.Popen(words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while server.answered["wait"] < 20:
        assert time.monotonic() < deadline, "the run never began"
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=20)
    assert running.returncode == 130
    assert out == ""
    assert err.splitlines()[-1] == "loadtest: interrupted; nothing was written and nothing is left running."
    assert "Traceback" not in err
    assert not (tmp_path / "results").exists()


def echo(socket: ServerConnection) -> None:
    for message in socket:
        socket.send(message)


def echo_wrongly(socket: ServerConnection) -> None:
    for _ in socket:
        socket.send("something else")


def identify(socket: ServerConnection, request: Request) -> Response | None:
    """Answer the plain request that asks for the service's name; anything else becomes a WebSocket."""
    if request.path != "/fastapi/":
        return None
    body = json.dumps({**IDENTITY, "service": "fastapi", "slots": None}).encode()
    return Response(200, "OK", Headers({"Content-Type": "application/json", "Content-Length": str(len(body))}), body)


@pytest.mark.parametrize(("handler", "status", "error"), [(echo, 0, None), (echo_wrongly, 1, "another message than the one sent")])
def test_sockets(tmp_path: Path, handler: Any, status: int, error: str | None) -> None:
    with serve(handler, "127.0.0.1", 0, process_request=identify) as sockets:
        threading.Thread(target=sockets.serve_forever, daemon=True).start()
        target = f"http://127.0.0.1:{sockets.socket.getsockname()[1]}"
        done = run(target, tmp_path, "--services", "fastapi", "--workload", "sockets", "--json")
        sockets.shutdown()
    (cell,) = json.loads(done.stdout)["cells"]
    # An echo is so quick that the generator may be the limit on a busy machine, which is an exit status of 1 too.
    assert done.returncode == status or "the load generator" in (cell["not_valid"] or ""), done.stdout + done.stderr
    assert (cell["successes"] > 0) == (error is None)
    assert (cell["failures"] > 0) == (error is not None)
    assert error is None or error in cell["errors"]

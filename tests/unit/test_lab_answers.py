"""Which answers the load generator accepts. A small server gives correct answers, and wrong ones below the path of a lie."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from websockets.sync.server import ServerConnection, serve

from loadtest.generator.parameters import Parameters
from tests.conftest import ROOT
from tests.unit.lab_raw import encoded

PARAMETERS = Parameters(wait=0.01, chunks=3, interval=0.0)
SECONDS, USERS, RATE = 0.4, 3, 50.0


class Handler(BaseHTTPRequestHandler):
    """Answers ``/<lie>/<workload>?...``; the lie may be ``honest``."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.lie, _, rest = self.path[1:].partition("/")
        match rest.partition("?")[0]:
            case "wait":
                seconds = 9.0 if self.lie == "body" else PARAMETERS.wait
                threading.Event().wait(PARAMETERS.wait)
                self.answer(json.dumps({"waited": seconds}).encode(), 503 if self.lie == "status" else 200)
            case "stream":
                self.pieces("text/plain", [b"chunk %d of 3\n" % number for number in (1, 2, 3)])
            case "events":
                self.pieces("text/event-stream", [b'id: %d\ndata: {"event":%d,"of":3}\n\n' % (number, number) for number in (1, 2, 3)])

    def answer(self, body: bytes, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if self.lie == "type" else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.finish_head()
        self.wfile.write(body)

    def finish_head(self) -> None:
        self.send_header("X-Request-ID", "somebody-elses" if self.lie == "id" else self.headers["X-Request-ID"])
        self.end_headers()

    def pieces(self, content_type: str, pieces: list[bytes]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.finish_head()
        changed = {"order": pieces[::-1], "more": [*pieces, pieces[-1]], "cut": pieces[:1]}.get(self.lie, pieces)
        for piece in changed:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        if self.lie == "cut":
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *args: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: a client that disconnects is normal here."""


def echo(socket: ServerConnection) -> None:
    for message in socket:
        socket.send("something else" if socket.request and "wrong" in socket.request.path else message)


LIES = {
    ("status", "wait"): "status 503",
    ("body", "wait"): "another body than expected",
    ("type", "wait"): "not of type application/json",
    ("id", "wait"): "an answer to another request",
    ("id", "stream"): "an answer to another request",
    ("order", "stream"): "piece 1 is not the expected one",
    ("more", "events"): "piece 4 is not the expected one",
    ("cut", "events"): "cut off",
    ("wrong", "sockets"): "another message than the one sent",
}
HONEST = [("closed", "wait"), ("closed", "stream"), ("closed", "events"), ("closed", "sockets"), ("open", "wait"), ("burst", "wait")]
HONEST += [("hold", "sockets")]


def asked(target: str, prefix: str, kind: str, workload: str) -> dict[str, Any]:
    """Return a master's request to one generator."""
    load = {"kind": kind, "workload": workload, "parameters": asdict(PARAMETERS), "users": 0 if kind == "open" else USERS}
    load |= {
        "rate": RATE if kind == "open" else 0.0,
        "pause": 0.0,
        "source": "",
        "way": "",
        "arrivals": "constant",
        "warm_up": 0.1,
        "process": (0, 1),
    }
    load |= {"rhythm": (USERS, PARAMETERS.wait)}
    return {"mark": "0000001r0.", "target": target, "prefix": prefix, "seconds": SECONDS, "seed": 1, "loads": [load]}


@pytest.fixture(scope="module")
def played() -> Iterator[dict[str, Any]]:
    """Play all cells one after another in one process. Return the results by cell."""
    with Server(("127.0.0.1", 0), Handler) as server, serve(echo, "127.0.0.1", 0) as sockets:
        for one in (server, sockets):
            threading.Thread(target=one.serve_forever, daemon=True).start()
        http, websocket = (f"http://127.0.0.1:{one.getsockname()[1]}" for one in (server.socket, sockets.socket))

        def target(workload: str) -> str:
            return websocket if workload == "sockets" else http

        cells = {f"{lie} {workload}": asked(target(workload), f"/{lie}", "closed", workload) for lie, workload in LIES}
        cells |= {f"{kind} {workload}": asked(target(workload), "/honest", kind, workload) for kind, workload in HONEST}
        command = [sys.executable, "-m", "tests.unit.lab_player"]
        done = subprocess.run(command, cwd=ROOT, input=json.dumps(cells), capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        yield json.loads(done.stdout)
        server.shutdown()
        sockets.shutdown()


@pytest.mark.parametrize(("lie", "workload"), LIES)
def test_a_wrong_answer_is_a_failure(played: dict[str, Any], lie: str, workload: str) -> None:
    (load,) = played[f"{lie} {workload}"]["loads"]
    assert sum(load["slices"]) == load["counts"]["succeeded"] == 0
    assert load["counts"]["failures"] > 0
    assert load["counts"]["begun"] == load["counts"]["ended"]
    assert all(error.startswith(LIES[lie, workload]) for error in load["errors"]), load["errors"]


@pytest.mark.parametrize(("kind", "workload"), HONEST)
def test_right_answers(played: dict[str, Any], kind: str, workload: str) -> None:
    result = played[f"{kind} {workload}"]
    (load,) = result["loads"]
    counts = load["counts"]
    assert result["ready"]
    assert load["errors"] == {}
    assert counts["failures"] == counts["failures_outside"] == 0
    assert counts["begun"] == counts["ended"] == counts["succeeded"]
    if kind == "hold":
        assert (counts["ended"], load["connections"]) == (0, USERS)
        return
    assert 0 < sum(load["slices"]) <= counts["ended"]
    assert result["cpu"] > 0
    if kind == "closed":
        assert sum(load["slices"]) < counts["ended"]  # answers of the warm-up and the drain are not in the window
        assert load["users"] == load["users_ready"] == load["connections"] == USERS
        assert load["seconds"] >= SECONDS
    if kind == "burst":
        assert sum(load["slices"]) == counts["ended"] == USERS
    if kind == "open":
        assert sum(load["arrivals"]) + counts["dropped"] <= RATE * load["seconds"] + 1
        assert sum(load["arrivals"]) > 0
    assert (load["first_pieces"] != "") == (workload in ("stream", "events"))
    assert len(load["histograms"]) == len(load["slices"])
    assert load["histograms"][0] != encoded([]) or not load["slices"][0]

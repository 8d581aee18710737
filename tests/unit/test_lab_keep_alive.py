"""Connections are reused even if there are more users than ``select`` can handle."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.conftest import ROOT

DESCRIPTORS = 1100
# A separate process, because Locust replaces the standard sockets with gevent's.
PROGRAM = """
import os, socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from loadtest.generator import users
from locust.env import Environment
import gevent

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    connections = set()
    def do_GET(self):
        self.connections.add(self.client_address)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        if self.path == "/last":
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *_): ...

server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
gevent.spawn(server.serve_forever)
held = [os.open(os.devnull, os.O_RDONLY) for _ in range(DESCRIPTORS)]

class Asking(users.FastHttpUser):
    host = f"http://127.0.0.1:{server.server_port}"

user = Asking(Environment(user_classes=[Asking]))
for path in ("/", "/", "/last", "/", "/"):
    assert user.client.get(path).text == "ok"
print(len(Handler.connections))
"""


@pytest.fixture
def _many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < DESCRIPTORS * 2:
        pytest.skip(f"this user may open {hard} files, and the test needs {DESCRIPTORS * 2}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, DESCRIPTORS * 2), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("_many_files")
def test_a_connection_beyond_the_first_thousand_is_used_again() -> None:
    """Two connections in total: the server closes the first one after its third answer, and the client notices."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("DESCRIPTORS", str(DESCRIPTORS))],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.stdout.strip() == "2", ran.stdout + ran.stderr

"""A request that no replica has received is retried, even if the list of replicas changes while it waits."""

import http.client
import json
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Thread

import httpx
import pytest

from runtime.local.plan import make_plan
from tests.local.conftest import Start, own_copy
from tests.waiting import until

GONE, HERE = "127.0.0.5", "127.0.0.1"
DOCUMENT = {"id": "6f1fd791-0000-4000-8000-000000000000", "title": "t", "created": "2026-01-01T00:00:00Z"}
DOCUMENT["items"] = [{"name": "n", "quantity": 1, "price": 1.0}]  # type: ignore[assignment]


class Names(Thread):
    """A name server that resolves every name to one address."""

    def __init__(self, address: str) -> None:
        super().__init__(daemon=True)
        self.address = address
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.place = "{}:{}".format(*self.socket.getsockname())

    def run(self) -> None:
        while True:
            asked, client = self.socket.recvfrom(512)
            if not asked:
                return
            # RFC 1035: the question repeated, and one record of type A, whose name is a pointer to it.
            record = struct.pack(">HHHIH", 0xC00C, 1, 1, 0, 4) + socket.inet_aton(self.address)
            self.socket.sendto(asked[:2] + struct.pack(">HHHHH", 0x8180, 1, 1, 0, 0) + asked[12:] + record, client)


@pytest.fixture
def names() -> Iterator[Names]:
    serving = Names(GONE)
    serving.start()
    yield serving
    serving.socket.sendto(b"", serving.socket.getsockname())
    serving.join()
    serving.socket.close()


@pytest.fixture
def silent() -> Iterator[int]:
    """A port with FastAPI's number at another address, where a connection is neither made nor refused."""
    port = next(int(process.environment["PORT"]) for process in make_plan().processes if process.name == "fastapi")
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server((GONE, port), backlog=0))
        for _ in range(4):  # fills its queue
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield port


def patient(folder: Path) -> None:
    """Allow three seconds for a connection: longer than Nginx needs to notice that a name has another address."""
    file = own_copy(folder / "http") / "proxy.conf"
    text = file.read_text()
    assert "proxy_connect_timeout 1s;" in text
    file.write_text(text.replace("proxy_connect_timeout 1s;", "proxy_connect_timeout 3s;"))


def waits(url: str) -> bool:
    """Return whether a request waits for its replica.

    Nginx refuses at once if it has no address, and otherwise tries to connect for three seconds.
    """
    try:
        httpx.get(url, timeout=2)
    except httpx.ReadTimeout:
        return True
    return False


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "json", 200), ("POST", "echo", 200), ("POST", "upload", 504)])
def test_the_replica_moves_while_a_request_waits_for_it(
    nginx: Start, names: Names, silent: int, method: str, path: str, status: int
) -> None:
    base = nginx(patient, NGINX_RESOLVER=names.place, FASTAPI_SERVERS=f"server fastapi:{silent} resolve max_fails=1 fail_timeout=2s;")
    # Nginx starts without an address, and answers 502 until the name server has returned one.
    until("Nginx has an address, and waits for it", lambda: waits(f"{base}/fastapi/json"))
    connection = http.client.HTTPConnection(base.removeprefix("http://"), timeout=60)
    body = json.dumps(DOCUMENT) if method == "POST" else None
    connection.request(method, f"/fastapi/{path}", body, {"Content-Type": "application/json"} if body else {})
    # Nginx has one process here, and answers this only after it has started on the other request.
    assert httpx.get(f"{base}/healthz").status_code == 200
    names.address = HERE
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    assert answer.status == status
    if path == "echo":
        assert json.loads(content)["items"] == DOCUMENT["items"]

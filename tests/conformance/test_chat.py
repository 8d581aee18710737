"""Chat on a board: a message posted through any service reaches every reader of all services.

It arrives once and in order, whichever connection breaks.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from typing import Any
from uuid import uuid4

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from runtime.choice import running
from runtime.local import stack as runtime_local
from runtime.local import supervisor
from tests.conftest import ROOT
from tests.data import sql
from tests.stack import EVENT_LOOPS, HOST, PORT, SERVICES, Service
from tests.waiting import until

SECONDS = 30.0  # time limit for any single wait, on a busy machine
UNKNOWN = 2**62
Message = dict[str, Any]
SLOW = (4000, 12_000)  # numbers of 8 kB messages: 32 MB usually exceed the kernel's buffers on the way, 96 MB always do
MANY = """
WITH author AS (INSERT INTO authors (name) VALUES ('many') ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id)
INSERT INTO messages (board_id, author_id, text, version, created)
SELECT {board}, author.id, {text}, 1, now() FROM author, generate_series(1, {number})
"""


@pytest.fixture
def board(client: httpx.Client) -> int:
    """The id of a new board."""
    answer = client.post(f"{SERVICES[0].url}/boards", json={"name": f"chat {time.time_ns()}"})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def post(client: httpx.Client, service: Service, board: int, text: str, author: str = "one") -> Message:
    key, deadline = {"Idempotency-Key": uuid4().hex}, time.monotonic() + SECONDS
    while True:  # these requests wait for one board, on a busy machine for too long
        answer = client.post(f"{service.url}/boards/{board}/messages", json={"author": author, "text": text}, headers=key)
        if answer.status_code != 503 or time.monotonic() > deadline:
            break
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def insert(board: int, number: int, text: str = "'x'") -> None:
    """Insert many messages at once, without a notification."""
    done = sql(MANY.format(board=board, number=number, text=text))
    assert done.returncode == 0, done.stderr


class Socket:
    """A reader on a WebSocket."""

    def __init__(self, service: Service, board: int, query: str = "", **options: Any) -> None:
        url = f"{service.ws_url.removesuffix('/ws')}/boards/{board}/chat{query}"
        self.connection: ClientConnection = connect(url, legacy=True, proxy=None, open_timeout=SECONDS, max_size=2**22, **options)

    def read(self, number: int) -> list[Message]:
        """Return the next ``number`` messages."""
        found: list[Message] = []
        while len(found) < number:
            found += json.loads(self.connection.recv(timeout=SECONDS))
        return found

    def cut(self) -> None:
        """Break the connection without a closing handshake; the server may have closed it already."""
        with suppress(OSError):
            self.connection.socket.shutdown(socket.SHUT_RDWR)

    def close_code(self) -> int | None:
        """Return the code with which the service closes the connection."""
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                self.connection.recv(timeout=SECONDS)
        return closed.value.rcvd and closed.value.rcvd.code


def lines(answer: httpx.Response) -> Iterator[str]:
    """Yield the lines of a stream. httpx would also split at U+2028, which does not end a line in an event stream."""
    rest = ""
    for part in answer.iter_text():
        *whole, rest = (rest + part).split("\n")
        yield from whole


class Events:
    """A reader of an event stream."""

    def __init__(self, service: Service, board: int, after: int | None = None) -> None:
        headers = {} if after is None else {"Last-Event-ID": str(after)}
        self.client = httpx.Client(timeout=SECONDS, trust_env=False)
        self.answer = self.client.send(self.client.build_request("GET", f"{service.url}/boards/{board}/feed", headers=headers), stream=True)
        assert self.answer.status_code == 200
        self.lines = lines(self.answer)
        assert [next(self.lines) for _ in range(3)][:1] == ["retry: 500"]  # the reader is connected, and misses nothing from here on

    def read(self, number: int) -> list[Message]:
        found: list[Message] = []
        last_id = ""
        while len(found) < number:
            field, _, value = next(self.lines).partition(": ")
            if field == "id":
                last_id = value
            elif field == "data":
                found.append(json.loads(value))
                assert str(found[-1]["id"]) == last_id
        return found

    def cut(self) -> None:
        self.client.close()


@contextmanager
def readers(board: int) -> Iterator[list[Socket | Events]]:
    """Two sockets on each ASGI service, on different replicas if there are two, and an event stream on each service."""
    with ExitStack() as stack:
        opened: list[Socket | Events] = [Socket(service, board) for service in EVENT_LOOPS for _ in range(2)]
        opened += [Events(service, board) for service in SERVICES]
        for reader in opened:
            stack.callback(reader.cut)
        for reader in opened:
            if isinstance(reader, Socket):  # a socket follows the board once the service has answered anything
                assert reader.connection.ping().wait(SECONDS)
        yield opened


def test_a_message_through_any_service_reaches_every_reader_of_all(client: httpx.Client, board: int) -> None:
    with readers(board) as opened:
        for service in SERVICES:
            posted = post(client, service, board, f"through {service} \u2028\U0001f6aa\n")
            assert [reader.read(1) for reader in opened] == [[posted]] * len(opened)


def test_authors_at_once_each_in_his_order(board: int) -> None:
    def write(turn: int) -> list[Message]:
        with httpx.Client(timeout=SECONDS, trust_env=False) as client:
            return [post(client, SERVICES[turn % 3], board, str(number), f"author {turn}") for number in range(8)]

    with readers(board) as opened, ThreadPoolExecutor() as pool:
        posted = sorted((message for each in pool.map(write, range(6)) for message in each), key=lambda message: message["id"])
        for reader in opened:
            assert reader.read(len(posted)) == posted


@pytest.mark.parametrize("service", EVENT_LOOPS, ids=str)
def test_a_socket_that_was_cut_off_goes_on(client: httpx.Client, service: Service, board: int) -> None:
    first = Socket(service, board, "?after=0")
    before = [post(client, SERVICES[0], board, f"before {number}") for number in range(3)]
    assert first.read(3) == before
    first.cut()
    meanwhile = [post(client, SERVICES[0], board, f"meanwhile {number}") for number in range(3)]
    second = Socket(service, board, f"?after={before[-1]['id']}")
    later = post(client, SERVICES[0], board, "later")
    assert second.read(4) == [*meanwhile, later]
    second.cut()


def test_an_event_stream_that_was_cut_off_goes_on(client: httpx.Client, service: Service, board: int) -> None:
    first = Events(service, board)
    before = post(client, SERVICES[1], board, "before")
    assert first.read(1) == [before]
    first.cut()
    meanwhile = post(client, SERVICES[1], board, "meanwhile")
    second = Events(service, board, before["id"])
    later = post(client, SERVICES[1], board, "later")
    assert second.read(2) == [meanwhile, later]
    second.cut()


def test_more_than_is_kept_in_memory_is_read_from_the_database(client: httpx.Client, board: int) -> None:
    insert(board, 450)
    opened = [*(Socket(service, board, "?after=0") for service in EVENT_LOOPS), *(Events(service, board, 0) for service in SERVICES)]
    last = post(client, SERVICES[0], board, "last")
    for reader in opened:
        found = [message["id"] for message in reader.read(451)]
        assert found == sorted(set(found))
        assert found[-1] == last["id"]
        reader.cut()


@pytest.mark.parametrize("service", EVENT_LOOPS, ids=str)
def test_what_a_socket_refuses(service: Service, board: int) -> None:
    assert Socket(service, UNKNOWN).close_code() == 4404
    for query in ("?after=x", "?after=-1", "?after=9223372036854775808", "?more=1"):
        assert Socket(service, board, query).close_code() == 4422
    talking = Socket(service, board)
    talking.connection.send("hello")
    assert talking.close_code() == 4405


def feed_status(client: httpx.Client, service: Service, board: int, last: str) -> int:
    """Return the status of a feed, and leave the feed at once."""
    with client.stream("GET", f"{service.url}/boards/{board}/feed", headers={"Last-Event-ID": last}) as answer:
        return answer.status_code


def test_what_an_event_stream_refuses(client: httpx.Client, service: Service, board: int) -> None:
    assert client.get(f"{service.url}/boards/{UNKNOWN}/feed").status_code == 404
    assert client.get(f"{service.url}/boards/{board}/feed?after=x").status_code == 422
    for number in ("0", "9223372036854775807"):
        # 503 until the worker of the previous feed notices that its reader has left.
        until(f"a feed after {number} begins", lambda number=number: feed_status(client, service, board, number) == 200)  # type: ignore[misc]
    for wrong in ("x", "-1", "01", "9223372036854775808"):
        refused = client.get(f"{service.url}/boards/{board}/feed", headers={"Last-Event-ID": wrong})
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["field"] == "Last-Event-ID"


@pytest.mark.parametrize("service", EVENT_LOOPS, ids=str)
def test_a_socket_that_reads_too_slowly_is_closed_and_can_go_on(client: httpx.Client, service: Service, board: int) -> None:
    narrow = socket.socket()  # otherwise the kernel buffers many megabytes for a reader
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
    narrow.connect((HOST, PORT))
    slow = Socket(service, board, max_queue=1, sock=narrow)
    assert slow.connection.ping().wait(SECONDS)
    found: list[int] = []
    closed: ConnectionClosed | None = None
    while closed is None:
        insert(board, SLOW[bool(found)], "repeat('\U0001f6aa', 2000)")
        last = post(client, SERVICES[0], board, "last")
        other = Socket(service, board, f"?after={last['id'] - 1}")
        assert other.read(1) == [last]  # a fast reader does not wait for a slow one
        other.cut()
        first = not found
        try:
            while not found or found[-1] < last["id"]:
                found += [message["id"] for message in json.loads(slow.connection.recv(timeout=SECONDS))]
            assert first, "it was never closed"
        except ConnectionClosed as error:
            closed = error
    assert closed.rcvd
    assert closed.rcvd.code == 4408
    for _ in range(20):  # on a busy machine, a page of these exceeds the database's time limit: 4503, reconnect
        again = Socket(service, board, f"?after={found[-1]}")
        with suppress(ConnectionClosed):
            while found[-1] < last["id"]:
                found += [message["id"] for message in again.read(1)]
        again.cut()
        if found[-1] == last["id"]:
            break
    assert found == sorted(set(found))
    assert len(found) == (SLOW[0] + 1 if first else sum(SLOW) + 2)


def valkey(action: str) -> None:
    """Kill, pause or resume Valkey, in either runtime. A killed Valkey starts again."""
    if running()[0] is runtime_local:
        [process] = [process for process in supervisor.connect().getAllProcessInfo() if process["name"] == "valkey"]
        os.kill(process["pid"], {"kill": signal.SIGKILL, "pause": signal.SIGSTOP, "unpause": signal.SIGCONT}[action])
        return
    for words in [["kill", "valkey"], ["start", "valkey"]] if action == "kill" else [[action, "valkey"]]:
        subprocess.run(["docker", "compose", *words], cwd=ROOT, check=True, capture_output=True, timeout=60)


@contextmanager
def paused() -> Iterator[None]:
    valkey("pause")
    try:
        yield
    finally:
        valkey("unpause")


@pytest.mark.skipif("TARGET" in os.environ, reason="the stack is elsewhere")
@pytest.mark.parametrize("without", [paused, None], ids=["paused", "killed"])
def test_posts_and_readers_go_on_without_valkey(client: httpx.Client, board: int, without: Callable[[], Any] | None) -> None:
    with readers(board) as opened:
        before = [post(client, service, board, "before") for service in SERVICES]
        assert [reader.read(3) for reader in opened] == [before] * len(opened)
        if without is None:
            valkey("kill")
        with without() if without else ExitStack():
            meanwhile = [post(client, service, board, "meanwhile") for service in SERVICES for _ in range(3)]
        later = [post(client, service, board, "later") for service in SERVICES]
        assert [reader.read(12) for reader in opened] == [[*meanwhile, *later]] * len(opened)


@pytest.mark.skipif("TARGET" in os.environ, reason="the stack is elsewhere")
def test_the_measurement_in_short_with_a_replica_killed() -> None:
    command = [sys.executable, "-m", "loadtest.chat", "--sockets=60", "--rate=20", "--seconds=2", "--kill=django", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    as_it_is, killed = json.loads(done.stdout)
    assert as_it_is["right"], done.stdout
    assert killed["right"], done.stdout
    assert (as_it_is["closed"], as_it_is["delivered"]) == ({}, 60 * as_it_is["messages"])
    assert killed["closed"].get("1006"), killed  # some sockets were cut off and reconnected

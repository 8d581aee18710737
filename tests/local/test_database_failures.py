"""The database fails in every way that can be had here, and clients that send again until they are answered lose and double nothing.

A client hears 503 with Retry-After meanwhile, in bounded time, and is answered again by itself. `make chaos` does the same on containers,
under a steady load.
"""

import json
import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, LiteralString
from uuid import uuid4

import httpx
import psycopg
import pytest

from scripts import proc, supervisor
from scripts.local_plan import RUN, make_plan
from tests.data import secret
from tests.stack import SERVICES, TARGET

# On a quiet machine; on a busy one, so much more as a service that needs no database takes for its answer, several times.
ANSWER_SECONDS, BACK_SECONDS, TIMES = 2.0, 3.0, 4
READERS, WRITERS = 4, 2  # of each service; together more than Flask has workers


def new_board() -> int:
    """A board for messages; some connections may still be the ones that the test before has left."""
    deadline = time.monotonic() + 20
    while (answer := httpx.post(f"{TARGET}/fastapi/boards", json={"name": uuid4().hex}, timeout=20)).status_code != 201:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.1)
    return int(answer.json()["id"])


class Clients:
    """Clients of all three services who go on until the block ends, and the journal of what they were promised."""

    def __init__(self) -> None:
        self.acknowledged: set[str] = set()
        self.counts: Counter[tuple[str, str]] = Counter()  # by service: read, written, ready, refused
        self.longest = 0.0
        self.wrong: list[str] = []
        self.over = threading.Event()
        self.board = new_board()
        self.busy = 0.0  # the longest answer of the upstream, which has no part in this
        work = [(self.read, READERS), (self.write, WRITERS), (self.ready, 1)]
        self.threads = [threading.Thread(target=self.watch)] + [
            threading.Thread(target=does, args=(service.name,)) for service in SERVICES for does, count in work for _ in range(count)
        ]

    def watch(self) -> None:
        """See how busy the machine is with other things."""
        while not self.over.wait(0.1):
            began = time.monotonic()
            httpx.get(f"http://127.0.0.1:{ports()['upstream']}/healthz", timeout=20)
            self.busy = max(self.busy, time.monotonic() - began)

    def read(self, service: str) -> None:
        """Read the board again and again."""
        with httpx.Client(base_url=f"{TARGET}/{service}", timeout=20) as client:
            while not self.over.wait(0.1):
                self.ask(service, "read", lambda: client.get(f"/boards/{self.board}"))

    def ready(self, service: str) -> None:
        """Ask whether it is ready, again and again."""
        with httpx.Client(base_url=f"{TARGET}/{service}", timeout=20) as client:
            while not self.over.wait(0.2):
                self.ask(service, "ready", lambda: client.get("/readyz"))

    def write(self, service: str) -> None:
        """Send one message after another, each until it is answered."""
        with httpx.Client(base_url=f"{TARGET}/{service}", timeout=20) as client:
            while not self.over.wait(0.05):
                key = uuid4().hex
                path, body, headers = f"/boards/{self.board}/messages", {"author": service, "text": key}, {"Idempotency-Key": key}
                while not self.ask(service, "written", lambda: client.post(path, json=body, headers=headers)):  # noqa: B023
                    if self.over.wait(0.1):
                        return
                self.acknowledged.add(key)

    def ask(self, service: str, what: str, send: Callable[[], httpx.Response]) -> bool:
        """Whether it was done; a refusal must be the right one."""
        began = time.monotonic()
        try:
            answer = send()
        except httpx.HTTPError as error:
            self.wrong.append(f"{service} {what}: {error!r}")
            return False
        self.longest = max(self.longest, time.monotonic() - began)
        if answer.status_code in (200, 201):
            self.counts[service, what] += 1
            return True
        self.counts[service, "refused"] += 1
        kind = answer.headers["Content-Type"], answer.headers.get("Retry-After")
        if answer.status_code != 503 or kind != ("application/problem+json", "1"):
            self.wrong.append(f"{service} {what}: {answer.status_code} {answer.text}")
        return False

    def wait(self, *whats: str, seconds: float = BACK_SECONDS) -> None:
        """Until each of these has happened to clients of every service, once more."""
        before, began = self.counts.copy(), time.monotonic()
        while missing := [(one.name, what) for one in SERVICES for what in whats if self.counts[one.name, what] <= before[one.name, what]]:
            assert time.monotonic() - began < seconds + TIMES * self.busy, f"not after {seconds} s: {missing}; wrong: {self.wrong[:5]}"
            time.sleep(0.02)


@pytest.fixture
def clients(stack: None) -> Iterator[Clients]:
    """Clients who are at work; when they have stopped, what they were promised is looked for in the database."""
    found = Clients()
    for thread in found.threads:
        thread.start()
    try:
        found.wait("read", "written", seconds=20)
        yield found
        found.wait("read", "written")
    finally:
        found.over.set()
        for thread in found.threads:
            thread.join()
    with as_owner() as connection:
        rows = connection.execute("SELECT text, count(*) FROM messages WHERE board_id = %s GROUP BY text", [found.board]).fetchall()
        counted = connection.execute("SELECT messages FROM boards WHERE id = %s", [found.board]).fetchone()
    kept = dict(rows)
    assert found.acknowledged - kept.keys() == set()
    assert {text: count for text, count in kept.items() if count > 1} == {}
    assert counted == (len(kept),)
    assert found.wrong == []
    assert found.longest < ANSWER_SECONDS + TIMES * found.busy


def database_pid() -> int:
    """PostgreSQL's first process."""
    return int((RUN / "postgres" / "postmaster.pid").read_text().split()[0])


@cache
def ports() -> dict[str, int]:
    """Where the database and the upstream listen."""
    plan = make_plan()
    return plan.data_ports | {process.name: int(process.environment["PORT"]) for process in plan.processes if process.name == "upstream"}


@contextmanager
def as_owner(autocommit: bool = False) -> Iterator[psycopg.Connection]:
    """A connection of the owner's, whatever the database is to others."""
    where = f"host=127.0.0.1 port={ports()['postgres']} user=postgres dbname=twogates options='-c default_transaction_read_only=off'"
    with psycopg.connect(where, password=secret("postgres_password"), autocommit=autocommit) as connection:
        yield connection


def ask_owner(query: LiteralString) -> list[tuple[Any, ...]]:
    """The rows of a query of the owner's."""
    with as_owner(autocommit=True) as connection:
        cursor = connection.execute(query)
        return cursor.fetchall() if cursor.description else []


def cut() -> None:
    """End every connection of the services in whatever they do."""
    assert ask_owner("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'twogates-%'")


WAITING = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'twogates-%' AND wait_event_type = 'Lock'"


def readiness(service: str) -> tuple[int, set[str]]:
    """The status of /readyz, and which dependencies are down."""
    answer = httpx.get(f"{TARGET}/{service}/readyz", timeout=20)
    return answer.status_code, {name for name, state in answer.json()["dependencies"].items() if state == "down"}


def test_killed(clients: Clients) -> None:
    os.kill(database_pid(), signal.SIGKILL)
    clients.wait("refused")
    clients.wait("read", "written", seconds=20)  # Supervisor starts it again, and it reads its log


def test_stopped(clients: Clients) -> None:
    control = supervisor.connect()
    control.stopProcess("postgres")
    try:
        clients.wait("refused")
        for service in SERVICES:
            assert readiness(service.name) == (503, {"database"})
            assert httpx.get(f"{service.url}/healthz").status_code == 200
    finally:
        control.startProcess("postgres")  # returns a second after the start
    clients.wait("read", "written", "ready")


def test_paused(clients: Clients) -> None:
    paused = proc.tree(database_pid())
    for pid in paused:
        os.kill(pid, signal.SIGSTOP)
    try:
        clients.wait("refused")
        time.sleep(2.5)  # how long it lasts: longer than any limit of ours
        for service in SERVICES:
            assert readiness(service.name) == (503, {"database"})
            assert httpx.get(f"{service.url}/healthz").status_code == 200
    finally:
        for pid in reversed(paused):
            os.kill(pid, signal.SIGCONT)


def test_cut_in_the_middle(clients: Clients) -> None:
    for _ in range(3):
        with as_owner() as holder:
            holder.execute("SELECT FROM boards WHERE id = %s FOR UPDATE", [clients.board])
            deadline = time.monotonic() + 10
            while not ask_owner(WAITING):
                assert time.monotonic() < deadline, "nobody writes"
            cut()
    clients.wait("read", "written")


def test_locked(clients: Clients) -> None:
    """Every connection of the pools waits, and so do all of Flask's workers."""
    with as_owner() as holder:
        holder.execute("LOCK TABLE boards")
        clients.wait("refused")
        time.sleep(1.5)  # how long it lasts: longer than a request may wait
        for service in SERVICES:
            assert httpx.get(f"{service.url}/healthz", timeout=20).status_code == 200
    clients.wait("read", "written")


def test_read_only(clients: Clients) -> None:
    ask_owner("ALTER DATABASE twogates SET default_transaction_read_only = on")
    try:
        cut()
        clients.wait("refused", "read")
    finally:
        ask_owner("ALTER DATABASE twogates RESET default_transaction_read_only")
    clients.wait("read", "written")


def test_full(clients: Clients) -> None:
    ask_owner("ALTER ROLE twogates CONNECTION LIMIT 0")  # with one, whoever has it may be served by it alone
    try:
        cut()
        clients.wait("refused", seconds=1)
    finally:
        ask_owner("ALTER ROLE twogates CONNECTION LIMIT -1")
    clients.wait("read", "written")


def test_clients_who_leave_take_no_connection_with_them(clients: Clients) -> None:
    """More than all pools have, each while its query waits."""
    with as_owner() as holder:
        holder.execute("SELECT FROM boards WHERE id = %s FOR UPDATE", [clients.board])
        for service in SERVICES:
            for _ in range(25):
                with socket.create_connection(("127.0.0.1", int(TARGET.rpartition(":")[2]))) as leaving:
                    body = json.dumps({"author": "gone", "text": uuid4().hex})
                    head = f"POST /{service.name}/boards/{clients.board}/messages HTTP/1.1\r\nHost: localhost\r\n"
                    leaving.sendall(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
            time.sleep(0.05)  # so that some are taken up before they leave
    clients.wait("read", "written")

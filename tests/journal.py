"""Clients of the notice board who go on whatever happens to the database, and the journal of what they were promised."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, LiteralString
from uuid import uuid4

import httpx
import psycopg

from runtime import proc
from runtime.local.plan import RUN, make_plan
from tests.data import secret
from tests.stack import SERVICES, TARGET
from tests.waiting import PATIENCE, until

READERS, WRITERS = 4, 2  # of each service; together more than Flask has workers


def new_board(base: str) -> int:
    """A board for messages; some connections may still be the ones that the test before has left."""
    deadline = time.monotonic() + PATIENCE
    while (answer := httpx.post(f"{base}/boards", json={"name": uuid4().hex}, timeout=60)).status_code != 201:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.1)
    return int(answer.json()["id"])


class Clients:
    """Clients of all three services who go on until the block ends, and the journal of what they were promised."""

    def __init__(self, bases: Mapping[str, str] | None = None) -> None:
        self.bases = bases or {service.name: f"{TARGET}/{service.name}" for service in SERVICES}
        self.acknowledged: set[str] = set()
        self.counts: Counter[tuple[str, str]] = Counter()  # by service: read, written, ready, refused
        self.longest = 0.0  # seconds that an answer took
        self.wrong: list[str] = []
        self.over = threading.Event()
        self.board = new_board(self.bases["fastapi"])
        work = [(self.read, READERS), (self.write, WRITERS), (self.ready, 1)]
        self.threads = [
            threading.Thread(target=does, args=(service.name,)) for service in SERVICES for does, count in work for _ in range(count)
        ]

    def read(self, service: str) -> None:
        """Read the board again and again."""
        with httpx.Client(base_url=self.bases[service], timeout=60) as client:
            while not self.over.wait(0.1):
                self.ask(service, "read", lambda: client.get(f"/boards/{self.board}"))

    def ready(self, service: str) -> None:
        """Ask whether it is ready, again and again."""
        with httpx.Client(base_url=self.bases[service], timeout=60) as client:
            while not self.over.wait(0.2):
                self.ask(service, "ready", lambda: client.get("/readyz"))

    def write(self, service: str) -> None:
        """Send one message after another, each until it is answered."""
        with httpx.Client(base_url=self.bases[service], timeout=60) as client:
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

    def wait(self, *whats: str) -> float:
        """Return when each of these has happened once more to clients of every service, with the seconds that it took."""
        before, began = self.counts.copy(), time.monotonic()

        def missing() -> list[tuple[str, str]]:
            return [(one.name, what) for one in SERVICES for what in whats if self.counts[one.name, what] <= before[one.name, what]]

        until(f"clients of every service: {', '.join(whats)}", lambda: not missing())
        return time.monotonic() - began


@contextmanager
def at_work(found: Clients) -> Iterator[Clients]:
    """Clients at work. When they have stopped, every message that was acknowledged to them must be in the database, once."""
    for thread in found.threads:
        thread.start()
    try:
        found.wait("read", "written")
        yield found
        found.wait("read", "written")
    finally:
        found.over.set()
        for thread in found.threads:
            thread.join()
    with as_owner() as connection:
        # One snapshot: a request whose client has left may still be under way, and be committed between two queries.
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        rows = connection.execute("SELECT text, count(*) FROM messages WHERE board_id = %s GROUP BY text", [found.board]).fetchall()
        counted = connection.execute("SELECT messages FROM boards WHERE id = %s", [found.board]).fetchone()
    kept = dict(rows)
    assert found.acknowledged - kept.keys() == set()
    assert {text: count for text, count in kept.items() if count > 1} == {}
    assert counted == (len(kept),)
    assert found.wrong == [], found.wrong


def database_pid() -> int:
    """PostgreSQL's first process."""
    return int((RUN / "postgres" / "postmaster.pid").read_text().split()[0])


@cache
def ports() -> dict[str, int]:
    """Where the database listens."""
    return make_plan().data_ports


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


@contextmanager
def paused() -> Iterator[None]:
    """All of PostgreSQL's processes stand still for the length of the block."""
    stopped = proc.tree(database_pid())
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in reversed(stopped):
            os.kill(pid, signal.SIGCONT)

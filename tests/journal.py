"""Clients of the notice board that keep going whatever happens to the database, and the journal of what they were promised."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
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

READERS, WRITERS = 4, 2  # for each service; together more than Flask has workers


def new_board(base: str) -> int:
    """Create a board for messages. Retries, because a pool may still hold connections that the previous test broke."""
    deadline = time.monotonic() + PATIENCE
    while (answer := httpx.post(f"{base}/boards", json={"name": uuid4().hex}, timeout=60)).status_code != 201:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.1)
    return int(answer.json()["id"])


class Clients:
    """Clients of all three services that run until the block ends, and the journal of what they were promised."""

    def __init__(self, bases: Mapping[str, str] | None = None) -> None:
        self.bases = bases or {service.name: f"{TARGET}/{service.name}" for service in SERVICES}
        self.acknowledged: set[str] = set()
        self.counts: Counter[tuple[str, str]] = Counter()  # by service: read, written, ready, refused
        self.longest = 0.0  # longest answer, in seconds
        self.wrong: list[str] = []
        self.over = threading.Event()
        self.board = new_board(self.bases["fastapi"])
        work = [(self.read, READERS), (self.write, WRITERS), (self.ready, 1)]
        self.threads = [
            threading.Thread(target=does, args=(service.name,)) for service in SERVICES for does, count in work for _ in range(count)
        ]

    def read(self, service: str) -> None:
        """Read the board in a loop."""
        with httpx.Client(base_url=self.bases[service], timeout=60) as client:
            while not self.over.wait(0.1):
                self.ask(service, "read", lambda: client.get(f"/boards/{self.board}"))

    def ready(self, service: str) -> None:
        """Poll the service's readiness probe in a loop."""
        with httpx.Client(base_url=self.bases[service], timeout=60) as client:
            while not self.over.wait(0.2):
                self.ask(service, "ready", lambda: client.get("/readyz"))

    def write(self, service: str) -> None:
        """Send one message after another. Retry each until it is acknowledged."""
        with httpx.Client(base_url=self.bases[service], timeout=60) as client:
            while not self.over.wait(0.05):
                key = uuid4().hex
                path, body, headers = f"/boards/{self.board}/messages", {"author": service, "text": key}, {"Idempotency-Key": key}
                while not self.ask(service, "written", lambda: client.post(path, json=body, headers=headers)):  # noqa: B023
                    if self.over.wait(0.1):
                        return
                self.acknowledged.add(key)

    def ask(self, service: str, what: str, send: Callable[[], httpx.Response]) -> bool:
        """Return whether the request succeeded. A refusal must be a 503 problem document with Retry-After."""
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
        """Wait until each of these has succeeded once more for clients of every service. Return the seconds that it took."""
        before, began = self.counts.copy(), time.monotonic()

        def missing() -> list[tuple[str, str]]:
            return [(one.name, what) for one in SERVICES for what in whats if self.counts[one.name, what] <= before[one.name, what]]

        until(f"clients of every service: {', '.join(whats)}", lambda: not missing())
        return time.monotonic() - began


@contextmanager
def at_work(found: Clients) -> Iterator[Clients]:
    """Run the clients for the block. After they stop, the database must hold every acknowledged message exactly once."""
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
        # Use one snapshot: a request whose client has disconnected may still run, and commit between the two queries.
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        rows = connection.execute("SELECT text, count(*) FROM messages WHERE board_id = %s GROUP BY text", [found.board]).fetchall()
        counted = connection.execute("SELECT messages FROM boards WHERE id = %s", [found.board]).fetchone()
    kept = dict(rows)
    assert found.acknowledged - kept.keys() == set()
    assert {text: count for text, count in kept.items() if count > 1} == {}
    assert counted == (len(kept),)
    assert found.wrong == [], found.wrong


def database_pid() -> int:
    """Return the process id of PostgreSQL's postmaster."""
    return int((RUN / "postgres" / "postmaster.pid").read_text().split()[0])


@cache
def ports() -> dict[str, int]:
    """Return the ports on which the data services listen."""
    return make_plan().data_ports


@contextmanager
def as_owner(autocommit: bool = False) -> Iterator[psycopg.Connection]:
    """Connect as the owner, with write access even where the database is read-only for other users."""
    where = f"host=127.0.0.1 port={ports()['postgres']} user=postgres dbname=twogates options='-c default_transaction_read_only=off'"
    with psycopg.connect(where, password=secret("postgres_password"), autocommit=autocommit) as connection:
        yield connection


def ask_owner(query: LiteralString) -> list[tuple[Any, ...]]:
    """Run a query as the owner and return its rows."""
    with as_owner(autocommit=True) as connection:
        cursor = connection.execute(query)
        return cursor.fetchall() if cursor.description else []


def cut() -> None:
    """Terminate every database connection of the services, whatever it is doing."""
    assert ask_owner("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'twogates-%'")


@contextmanager
def paused() -> Iterator[None]:
    """Stop all PostgreSQL processes (SIGSTOP) for the duration of the block."""
    stopped: list[int] = []
    # The server may fork while this runs. It is the first to stop, so a second look finds every process that it had started.
    while new := [pid for pid in proc.tree(database_pid()) if pid not in stopped]:
        for pid in new:
            with suppress(ProcessLookupError):  # it has ended in the meantime
                os.kill(pid, signal.SIGSTOP)
        stopped += new
    try:
        yield
    finally:
        for pid in reversed(stopped):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

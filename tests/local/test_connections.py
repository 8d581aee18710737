"""The sum of all connections to the database stays below its limit while workers are replaced under full load."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import httpx
import pytest

from runtime import proc
from runtime.compose_file import load
from runtime.local import data as data_local
from runtime.local import supervisor
from tests.conftest import ROOT
from tests.connections import RESERVED, Held, sampled
from tests.data import local_ports, secret
from tests.stack import TARGET
from tests.waiting import until

POOLS = {"flask": 4, "fastapi": 10, "django": 20}  # of all processes of a service; Django has two
# Each process may open one more for a moment: without a connection in time, it probes the database (Availability).
PROCESSES = {"flask": 4, "fastapi": 1, "django": 2}
# More users than the pools have connections. Not for Flask: an old worker serves its queue, and one that never empties for 15 seconds.
USERS = {"flask": 2, "fastapi": 12, "django": 22}
SERVICES = load()[0]
LIMIT = int(next(word for word in SERVICES["postgres"].command if "max-connections" in word).partition("=")[2])


@pytest.fixture(autouse=True)
def _running(stack: None) -> None:
    """Start the stack if it is not running."""


@contextmanager
def everybody_asks() -> Iterator[dict[int, int]]:
    """Let users of each service keep every pool full; yield the number of answers by status. 503 means that the queue was too long."""
    over, statuses = Event(), dict[int, int]()

    def ask(service: str) -> None:
        with httpx.Client(timeout=60, trust_env=False) as client:
            while not over.is_set():
                status = client.get(f"{TARGET}/{service}/query?seconds=0.05").status_code
                statuses[status] = statuses.get(status, 0) + 1

    with ThreadPoolExecutor(sum(USERS.values())) as users:
        asking = [users.submit(ask, service) for service, number in USERS.items() for _ in range(number)]
        try:
            yield statuses
        finally:
            over.set()
    for one in asking:
        one.result()


@contextmanager
def looked_at() -> Iterator[Held]:
    ports = local_ports()
    assert ports
    psql = [str(data_local.find_postgres() / "psql"), f"--port={ports['postgres']}"]
    with sampled(psql, ROOT, os.environ | {"PGPASSWORD": secret("postgres_password")}) as held:
        yield held


def test_a_reload_of_workers_keeps_below_the_limit() -> None:
    """While the old workers finish, the new ones have pools too: a service exists twice, which the check at the start allows for."""
    running = supervisor.connect()

    def full_load() -> None:
        """Return when there are twice as many answers as users: every pool is full by then."""
        before = sum(statuses.values())
        until("every user has been answered", lambda: sum(statuses.values()) >= before + 2 * sum(USERS.values()))

    with looked_at() as held, everybody_asks() as statuses:
        for name in ("flask", "fastapi"):  # one after another, as in a deploy
            pid = next(int(process["pid"]) for process in running.getAllProcessInfo() if process["name"] == name)
            before = set(proc.tree(pid)[1:])
            full_load()
            os.kill(pid, signal.SIGHUP)
            until(
                f"{name} has new workers and no old ones",
                lambda pid=pid, before=before: not proc.alive(list(before)) and len(proc.tree(pid)) > len(before),  # type: ignore[misc]
            )
        full_load()
    assert set(statuses) <= {200, 503}, statuses
    assert statuses[200]
    for service, pool in POOLS.items():
        times = 1 if service == "django" else 2
        assert pool // 2 < held.most_of(service), f"{service} has {held.most_of(service)}: nothing was tried"
        assert held.most_of(service) <= times * (pool + PROCESSES[service]), service
    assert held.most <= LIMIT - RESERVED

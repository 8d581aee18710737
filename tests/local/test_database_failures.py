"""The database fails in every way that is possible here. Clients that retry until they are answered lose and duplicate nothing.

During a failure, a client gets 503 with Retry-After in bounded time. Afterwards it is served again without intervention. `make chaos` does
the same on containers, under a steady load.
"""

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from runtime.local import supervisor
from tests.journal import Clients, as_owner, ask_owner, at_work, cut, database_pid, paused
from tests.measured import Measure
from tests.stack import SERVICES, TARGET
from tests.waiting import until

ANSWER_SECONDS, BACK_SECONDS = 2.0, 3.0


@pytest.fixture
def clients(stack: None) -> Iterator[Clients]:
    """Clients that send requests through Nginx."""
    with at_work(Clients()) as found:
        yield found


WAITING = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'twogates-%' AND wait_event_type = 'Lock'"


def readiness(service: str) -> tuple[int, set[str]]:
    """Return the status of /readyz, and the dependencies that are down."""
    answer = httpx.get(f"{TARGET}/{service}/readyz", timeout=60)
    return answer.status_code, {name for name, state in answer.json()["dependencies"].items() if state == "down"}


@pytest.mark.measured
@pytest.mark.parametrize("fault", ["paused", "cut"])
def test_answers_and_recovery_are_bounded_in_time(clients: Clients, measure: Measure, fault: str) -> None:
    """The two promises of docs/data.md: an answer within two seconds under any fault, and recovery without a restart."""
    if fault == "paused":
        with paused():
            clients.wait("refused")
            time.sleep(2.5)  # the duration of the fault: longer than any of our time limits
    else:
        cut()
    back = clients.wait("read", "written", "ready")
    measure.that(clients.longest < ANSWER_SECONDS, f"the longest answer took {clients.longest:.2f} s")
    measure.that(back < BACK_SECONDS, f"all clients were served again after {back:.2f} s")


def test_killed(clients: Clients) -> None:
    os.kill(database_pid(), signal.SIGKILL)
    clients.wait("refused")
    clients.wait("read", "written")  # Supervisor restarts it, and it replays its log


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
    with paused():
        clients.wait("refused")
        time.sleep(2.5)  # the duration of the fault: longer than any of our time limits
        for service in SERVICES:
            assert readiness(service.name) == (503, {"database"})
            assert httpx.get(f"{service.url}/healthz").status_code == 200


def test_cut_in_the_middle(clients: Clients) -> None:
    for _ in range(3):
        with as_owner() as holder:
            holder.execute("SELECT FROM boards WHERE id = %s FOR UPDATE", [clients.board])
            until("a writer waits for the lock", lambda: ask_owner(WAITING))
            cut()
    clients.wait("read", "written")


def test_locked(clients: Clients) -> None:
    """Every connection of the pools waits, and so do all of Flask's workers."""
    with as_owner() as holder:
        holder.execute("LOCK TABLE boards")
        clients.wait("refused")
        time.sleep(1.5)  # the duration of the fault: longer than a request may wait
        for service in SERVICES:
            assert httpx.get(f"{service.url}/healthz", timeout=60).status_code == 200
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
    roles = [f"twogates_{service.name}" for service in SERVICES]
    for role in roles:
        ask_owner(f"ALTER ROLE {role} CONNECTION LIMIT 0")  # with a limit of one, the holder of that connection may be served by it alone
    try:
        cut()
        clients.wait("refused")
    finally:
        for role in roles:
            ask_owner(f"ALTER ROLE {role} CONNECTION LIMIT -1")
    clients.wait("read", "written")


def test_clients_who_leave_take_no_connection_with_them(clients: Clients) -> None:
    """More clients than all pools have connections, each of which leaves while its query waits."""
    with as_owner() as holder:
        holder.execute("SELECT FROM boards WHERE id = %s FOR UPDATE", [clients.board])
        for service in SERVICES:
            for _ in range(25):
                with socket.create_connection(("127.0.0.1", int(TARGET.rpartition(":")[2]))) as leaving:
                    body = json.dumps({"author": "gone", "text": uuid4().hex})
                    head = f"POST /{service.name}/boards/{clients.board}/messages HTTP/1.1\r\nHost: localhost\r\n"
                    leaving.sendall(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
            time.sleep(0.05)  # so that some requests are accepted before their clients leave
    clients.wait("read", "written")

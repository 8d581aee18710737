"""The services behind PgBouncer, which lends a connection for one transaction: many clients, and three connections for each service."""

import os
import shutil
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest

from runtime.local import data as data_local
from runtime.local.plan import Plan, make_plan
from runtime.servers import Command, Servers, free_port
from tests.conftest import ROOT
from tests.data import secret, sql
from tests.journal import Clients, at_work, cut, database_pid, paused
from tests.stack import SERVICES
from tests.waiting import until

CONNECTIONS, TOGETHER, POSTS = 3, 24, 150


def program() -> str:
    """Return the path of PgBouncer, which has no package on PyPI."""
    found = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if not found:
        pytest.skip("PgBouncer is not installed here: apt install pgbouncer")
    return found


@pytest.fixture
def behind(stack: None, tmp_path: Path) -> Iterator[tuple[dict[str, str], int]]:
    """The addresses of the three services behind their own PgBouncer, and its port."""
    plan, port = make_plan(), free_port()
    folder = Path("/tmp") / f"pgbouncer-{port}"  # a user other than root must read it
    folder.mkdir()
    (folder / "users").write_text(secret("pgbouncer_users") + "\n")
    (folder / "limits.ini").write_text(f"default_pool_size={CONNECTIONS}\nmax_client_conn=1000\n")
    settings = (ROOT / "services/pgbouncer/pgbouncer.ini").read_text()
    for there, here in (
        ("host=postgres port=5432", f"host=127.0.0.1 port={plan.data_ports['postgres']}"),
        ("0.0.0.0", "127.0.0.1"),
        ("listen_port = 6432", f"listen_port = {port}"),
        ("/run/secrets/pgbouncer_users", str(folder / "users")),
        ("/tmp/limits.ini", str(folder / "limits.ini")),
    ):
        assert settings.count(there) == 1
        settings = settings.replace(there, here)
    (folder / "pgbouncer.ini").write_text(settings)
    with Servers(tmp_path) as servers:
        try:
            command = [*data_local.as_user(), program(), "-q", str(folder / "pgbouncer.ini")]
            servers.start("pgbouncer", Command(command, folder, port))
            yield {service.name: start(service.name, plan, servers, port) for service in SERVICES}, port
        finally:
            shutil.rmtree(folder)


def start(name: str, plan: Plan, servers: Servers, pooler: int) -> str:
    """Start a service whose database is the pooler; return its address."""
    process = next(process for process in plan.processes if process.name.split("-")[0] == name)
    url = process.environment["DATABASE_URL"].replace(f":{plan.data_ports['postgres']}/", f":{pooler}/")
    port = free_port()
    environment = {**process.environment, "DATABASE_URL": url, "PORT": str(port), "WORKERS": "4" if name == "flask" else "1"}
    servers.start(name, Command(process.command, process.folder, port, environment, "/readyz"))
    servers.wait_until_ready([name])
    return f"http://127.0.0.1:{port}"


def test_many_clients_share_three_connections_of_each_service(behind: tuple[dict[str, str], int]) -> None:
    urls, port = behind
    name = f"pooled-{uuid4()}"
    with httpx.Client(timeout=60) as client:
        board = client.post(f"{urls['flask']}/boards", json={"name": name}).json()["id"]

        def post(number: int) -> int:
            url = f"{urls[SERVICES[number % 3].name]}/boards/{board}/messages"
            answer = client.post(url, json={"author": "Ada", "text": str(number)}, headers={"Idempotency-Key": f"{name}-{number}"})
            assert answer.status_code in (201, 503), answer.text  # with three connections, some requests wait too long
            return post(number) if answer.status_code == 503 else answer.status_code

        with ThreadPoolExecutor(TOGETHER) as together:
            assert list(together.map(post, range(POSTS))) == [201] * POSTS
        assert {client.get(f"{url}/boards/{board}").json()["messages"] for url in urls.values()} == {POSTS}
        # The time limits belong to the role. So they apply on a connection that another client uses in the next transaction.
        password = secret("flask_password")
        with psycopg.connect(f"host=127.0.0.1 port={port} user=twogates_flask password={password} dbname=twogates") as connection:
            assert connection.execute("SHOW statement_timeout").fetchone() == ("1s",)
        with psycopg.connect(
            f"host=127.0.0.1 port={port} user=twogates_flask password={password} dbname=pgbouncer", autocommit=True
        ) as admin:
            cursor = admin.execute("SHOW POOLS")
            names = [column.name for column in cursor.description or ()]
            rows = [dict(zip(names, row, strict=True)) for row in cursor]
        pools = {row["user"]: row for row in rows if row["database"] == "twogates"}
        assert pools.keys() == {f"twogates_{service.name}" for service in SERVICES}
        for pool in pools.values():
            assert 0 < pool["sv_active"] + pool["sv_idle"] + pool["sv_used"] <= CONNECTIONS
        assert sum(pool["cl_active"] for pool in pools.values()) > len(pools) * CONNECTIONS
    assert sql(f"DELETE FROM boards WHERE id = {board}").returncode == 0


def test_what_fails_behind_it_is_answered_as_without_it(behind: tuple[dict[str, str], int], tmp_path: Path) -> None:
    """Answers come in bounded time, and succeed again when the database is back.

    PgBouncer itself never fails, and accepts every client.
    """
    urls, _ = behind
    logs = [next(tmp_path.glob(f"{name}*.log")) for name in urls]
    with at_work(Clients(urls)) as clients:
        with paused():
            clients.wait("refused")
            for log in logs:  # a probe that only connects would find it healthy, and let one request after another wait
                until(f"{log.name} says that it is down", lambda log=log: "the database does not answer" in log.read_text())
            for url in urls.values():
                answer = httpx.get(f"{url}/readyz", timeout=60)
                assert (answer.status_code, answer.json()["dependencies"]["database"]) == (503, "down")
                assert httpx.get(f"{url}/healthz").status_code == 200
        clients.wait("read", "written", "ready")
        cut()
        clients.wait("read", "written")
        os.kill(database_pid(), signal.SIGKILL)
        clients.wait("refused")
        clients.wait("read", "written")  # Supervisor restarts it, and it replays its log

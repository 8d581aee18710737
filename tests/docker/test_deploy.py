"""Replicas replaced under load: no request is lost, whether the new replicas work or not."""

import asyncio
import re
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import httpx
import pytest

from runtime.compose_file import load
from tests.checkouts import OwnStack
from tests.connections import RESERVED, sampled

# Requests a second. Every fourth is a POST, which must not be sent twice. Two slow CPUs can answer them all while a service starts. A
# slower machine gets fewer: with thousands in flight, the ports and Docker's own proxy fail next, which is not the deploy's fault.
RATE, MOST_UNDER_WAY = 80, 100
# The message of a service whose database connections are all in use, or that did not get a new one in time. The request was not started,
# and its client learns that. A machine that is too slow for RATE gives these answers; a deploy that loses requests gives others.
SHED = re.compile("The database (is too busy to answer in time|cannot answer now)")
# What PostgreSQL logs about a connection that it has no room for.
NO_ROOM = re.compile("too many clients|remaining connection slots")
DOCUMENT = {
    "id": "6f1fd791-0000-4000-8000-000000000000",
    "title": "t",
    "created": "2026-01-01T00:00:00Z",
    "items": [{"name": "n", "quantity": 1, "price": 1}],
}
# Connections of two replicas to the database: what their pools may hold, and one more for each process that probes a failed database.
CONNECTIONS = {"flask": 2 * 4 + 8, "fastapi": 2 * 10 + 2, "django": 2 * 10 + 2}
LIMIT = int(next(word for word in load()[0]["postgres"].command if "max-connections" in word).partition("=")[2])
PSQL = ("docker", "compose", "exec", "-T", "--env", "PGPASSWORD", "postgres", "psql")


def hosts(stack: OwnStack, service: str) -> set[str]:
    """Return the host names of the replicas that answer now."""
    return {str(httpx.get(f"http://127.0.0.1:{stack.port}/{service}/").json()["host"]) for _ in range(12)}


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnStack]:
    own = OwnStack(tmp_path_factory.mktemp("deploy"), "deploy", FLASK_REPLICAS="2", FASTAPI_REPLICAS="2", DJANGO_REPLICAS="2")
    started = own.run("ops.stack", "up")
    try:
        assert started.returncode == 0, started.stdout + started.stderr
        yield own
    finally:
        own.remove()


async def under_load(stack: OwnStack, service: str, *words: str, **changed: str) -> tuple[subprocess.CompletedProcess[str], Counter[str]]:
    """Run a command while requests arrive at RATE, unless MOST_UNDER_WAY are unanswered. Return the process and all outcomes."""
    outcomes: Counter[str] = Counter()

    async def ask(number: int, client: aiohttp.ClientSession) -> None:
        # Some requests wait in the database, so that connections are always in use.
        gets = {1: "json", 2: "json", 3: "query?seconds=0.05"}
        method, path, body = ("GET", gets[number % 4], None) if number % 4 else ("POST", "echo", DOCUMENT)
        try:
            async with client.request(method, f"/{service}/{path}", json=body) as answer:
                text = await answer.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            outcomes[f"{method} {error!r}"] += 1
        else:
            shed = answer.status == 503 and SHED.search(text) and "Retry-After" in answer.headers
            outcomes["right" if answer.status == 200 else "shed" if shed else f"{method} {answer.status} {text}"] += 1

    client = aiohttp.ClientSession(
        f"http://127.0.0.1:{stack.port}", timeout=aiohttp.ClientTimeout(30), connector=aiohttp.TCPConnector(limit=0)
    )
    async with client, asyncio.TaskGroup() as group:
        running = asyncio.create_task(asyncio.to_thread(stack.run, *words, **changed))
        began, sent, due = time.monotonic(), 0, 0
        while not running.done():
            while due < (time.monotonic() - began) * RATE:
                due += 1
                if sent - outcomes.total() < MOST_UNDER_WAY:
                    sent += 1
                    group.create_task(ask(sent, client))
            await asyncio.sleep(1 / RATE)  # the interval between arrivals
    assert sum(outcomes.values()) == sent
    return await running, outcomes


MIGRATIONS = "services/django_async/notices/migrations"
MIGRATION = """from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("notices", "{before}")]
    operations = [migrations.RunSQL("{sql}")]
"""


def newest(stack: OwnStack) -> str:
    """Return the name of a checkout's newest migration."""
    return max(path.stem for path in (stack.folder / MIGRATIONS).glob("[0-9]*.py"))


def migration(stack: OwnStack, sql: str) -> Path:
    """Write another migration into a checkout, and return its path."""
    before = newest(stack)
    path = stack.folder / MIGRATIONS / f"{int(before[:4]) + 1:04}_of_a_test.py"
    path.write_text(MIGRATION.format(before=before, sql=sql))
    return path


def query(stack: OwnStack, sql: str) -> str:
    """Return the database's answer."""
    words = [
        "exec",
        "-T",
        "postgres",
        "psql",
        "--username=postgres",
        "--dbname=twogates",
        "--no-align",
        "--tuples-only",
        f"--command={sql}",
    ]
    done = subprocess.run(
        ["docker", "compose", *words], cwd=stack.folder, env=stack.environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def containers(stack: OwnStack, *services: str) -> set[str]:
    """Return the ids of the running containers of services."""
    words = ["docker", "compose", "ps", "--quiet", *services]
    done = subprocess.run(words, cwd=stack.folder, env=stack.environment, capture_output=True, text=True, timeout=60)
    return set(done.stdout.split())


def test_a_migration_that_fails_stops_the_deploy(own_stack: OwnStack) -> None:
    before = containers(own_stack, "django", "worker")
    made = migration(own_stack, "ALTER TABLE no_such_table ADD number int")
    try:
        failed = own_stack.run("ops.deploy", "django")
    finally:
        made.unlink()
    assert failed.returncode == 1
    assert 'relation "no_such_table" does not exist' in failed.stderr
    assert "no replica was replaced" in failed.stderr
    assert containers(own_stack, "django", "worker") == before


def test_a_deploy_migrates_and_replaces_what_shares_the_image(own_stack: OwnStack) -> None:
    before = containers(own_stack, "django", "worker")
    made = migration(own_stack, "CREATE TABLE of_a_test (number int)")
    done = own_stack.run("ops.deploy", "worker")
    assert done.returncode == 0, done.stdout + done.stderr
    assert query(own_stack, "SELECT count(*) FROM of_a_test") == "0"
    assert f"notices {made.stem}" in query(own_stack, "SELECT app || ' ' || name FROM django_migrations")
    after = containers(own_stack, "django", "worker")
    assert (len(after), after & before) == (3, set())


def test_a_start_replaces_what_changed_and_nothing_else(own_stack: OwnStack) -> None:
    """In development too: new replicas start beside the old ones, and the old ones go."""
    others = containers(own_stack, "nginx", "flask", "django", "worker", "postgres")
    before = containers(own_stack, "fastapi")
    app = own_stack.folder / "services/fastapi_async/app.py"
    app.write_text(app.read_text() + "# changed\n")
    started = own_stack.run("ops.stack", "up")
    assert started.returncode == 0, started.stdout + started.stderr
    assert "fastapi: starting 2 new beside 2 old" in started.stdout
    after = containers(own_stack, "fastapi")
    assert (len(after), after & before) == (2, set())
    assert containers(own_stack, "nginx", "flask", "django", "worker", "postgres") == others


@pytest.mark.parametrize("service", ["flask", "fastapi", "django"])
def test_nothing_is_lost_and_the_database_has_room(service: str, own_stack: OwnStack) -> None:
    before = hosts(own_stack, service)
    password = (own_stack.folder / "secrets/postgres_password").read_text().strip()
    with sampled(PSQL, own_stack.folder, own_stack.environment | {"PGPASSWORD": password}) as held:
        done, outcomes = asyncio.run(under_load(own_stack, service, "ops.deploy", service))
    assert done.returncode == 0, done.stdout + done.stderr
    after = hosts(own_stack, service)
    assert (len(before), len(after), before & after) == (2, 2, set())
    assert set(outcomes) <= {"right", "shed"}, outcomes
    assert outcomes["right"] > 5 * RATE
    assert 2 <= held.most_of(service) <= 2 * CONNECTIONS[service]  # old and new replicas run side by side
    assert held.most <= LIMIT - RESERVED
    logged = subprocess.run(
        ["docker", "compose", "logs", "postgres"], cwd=own_stack.folder, env=own_stack.environment, capture_output=True, text=True
    )
    assert "ready to accept connections" in logged.stdout, logged.stderr
    assert not NO_ROOM.search(logged.stdout)


CRASHES = "raise RuntimeError('this version does not start')\n"


@pytest.mark.parametrize(
    ("service", "path", "old", "new", "says"),
    [
        ("fastapi", "services/fastapi_async/app.py", "from web import answer\n", CRASHES, "this version does not start"),
        ("flask", "services/flask_sync/app.py", '@get("/healthz")', '@get("/another")', "was not healthy after 8 seconds"),
    ],
)
def test_a_bad_version_is_rolled_back(service: str, path: str, old: str, new: str, says: str, own_stack: OwnStack) -> None:
    before = hosts(own_stack, service)
    file = own_stack.folder / path
    good = file.read_text()
    assert old in good
    try:
        file.write_text(good.replace(old, new, 1))
        done, outcomes = asyncio.run(under_load(own_stack, service, "ops.deploy", service, WITHIN="8"))
    finally:
        file.write_text(good)
    assert done.returncode == 1
    assert says in done.stderr
    assert "is as it was" in done.stderr
    assert done.stderr.startswith(f"twogates: {service} is as it was.")  # below it are the last log lines of the replica that did not start
    assert hosts(own_stack, service) == before
    assert set(outcomes) <= {"right", "shed"}, outcomes
    assert outcomes["right"]


def test_a_configuration_that_nginx_refuses_is_not_taken(own_stack: OwnStack) -> None:
    file = own_stack.folder / "nginx/http/limits.conf"
    good = file.read_text()
    try:
        file.write_text(good + "no_such_directive on;\n")
        refused = own_stack.run("ops.stack", "reload")
        deployed = own_stack.run("ops.deploy", "fastapi")
    finally:
        file.write_text(good)
    assert (refused.returncode, deployed.returncode) == (1, 1)
    for tried in (refused, deployed):
        assert 'unknown directive "no_such_directive"' in tried.stderr
    assert hosts(own_stack, "fastapi")
    assert own_stack.run("ops.stack", "reload").returncode == 0

"""Whether all pools together fit into the database's connection limit, computed by server.py from the settings."""

import sys
from pathlib import Path
from typing import Any

import pytest

from runtime.compose_file import defaults

SERVICE = Path(__file__).parents[2] / "services" / "django_async"
sys.path.append(str(SERVICE))

from connections import SPARE, PoolSettings, held_by_one_client, too_many  # noqa: E402  a service is a program and not a package

DEFAULTS = {
    "FLASK_WORKERS": "auto",
    "FLASK_THREADS": "1",
    "FLASK_POOL": "auto",
    "FLASK_CPUS": "1",
    "FLASK_REPLICAS": "1",
    "FLASK_CLIENT_LIMIT": "4",
    "FASTAPI_WORKERS": "auto",
    "FASTAPI_POOL": "auto",
    "FASTAPI_CPUS": "1",
    "FASTAPI_REPLICAS": "1",
    "DJANGO_POOL": "auto",
    "DJANGO_REPLICAS": "2",
    "WORKER_POOL": "auto",
    "WORKER_REPLICAS": "1",
    "PGBOUNCER": "off",
    "PGBOUNCER_POOL": "7",
    "PGBOUNCER_CLIENTS": "1000",
}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, {"flask": 8, "fastapi": 11, "django": 22}),
        ({"FLASK_CPUS": "3.5", "FASTAPI_CPUS": "1.5"}, {"flask": 16, "fastapi": 22, "django": 22}),
        ({"FLASK_WORKERS": "3", "FLASK_THREADS": "5", "FLASK_REPLICAS": "2"}, {"flask": 36, "fastapi": 11, "django": 22}),
        ({"FLASK_THREADS": "5", "FLASK_POOL": "2"}, {"flask": 12, "fastapi": 11, "django": 22}),
        ({"FASTAPI_WORKERS": "3", "FASTAPI_POOL": "7", "FASTAPI_REPLICAS": "2"}, {"flask": 8, "fastapi": 48, "django": 22}),
        ({"DJANGO_POOL": "3", "DJANGO_REPLICAS": "5"}, {"flask": 8, "fastapi": 11, "django": 20}),
        ({"WORKER_POOL": "7", "WORKER_REPLICAS": "2"}, {"flask": 8, "fastapi": 11, "django": 22, "worker": 20}),
    ],
    ids=str,
)
def test_the_connections_of_each_service(changed: dict[str, str], expected: dict[str, int]) -> None:
    assert PoolSettings.read(DEFAULTS | changed).by_service() == {"worker": 5, **expected}  # two jobs, two for the queue, one listener


def test_the_largest_counts_twice_and_some_are_spared() -> None:
    pools = PoolSettings.read(DEFAULTS)
    least, reserved = 8 + 11 + 22 + 5 + 22 + SPARE, 3
    assert too_many(pools, least + reserved, reserved) is None
    said = too_many(pools, least + reserved - 1, reserved)
    assert said is not None
    listed = "flask 8, fastapi 11, django 22, worker 5, and the largest twice while it is replaced"
    assert said.startswith(f"the pools, and who looks whether the database is back, may hold 68 connections ({listed})")
    assert "PostgreSQL has room for 67; accepted: fewer workers" in said


def test_behind_pgbouncer_its_own_connections_count_and_the_pools_have_to_fit_into_it() -> None:
    behind = DEFAULTS | {"PGBOUNCER": "on", "DJANGO_POOL": "40"}
    least = 3 * 7 + 5 + 5 + SPARE
    assert too_many(PoolSettings.read(behind), least, 0) is None
    said = too_many(PoolSettings.read(behind), least - 1, 0)
    assert said is not None
    assert "may hold 31 connections (pgbouncer 21, worker 5, and the worker twice while it is replaced)" in said
    assert said.endswith("PostgreSQL has room for 30; accepted: a smaller PGBOUNCER_POOL, or a larger POSTGRES_CONNECTIONS")
    clients = 8 + 11 + 82 + 82
    assert too_many(PoolSettings.read(behind | {"PGBOUNCER_CLIENTS": str(clients)}), 100, 3) is None
    said = too_many(PoolSettings.read(behind | {"PGBOUNCER_CLIENTS": str(clients - 1)}), 100, 3)
    assert said is not None
    assert "PgBouncer takes 182; accepted: fewer workers" in said
    assert said.endswith("a larger PGBOUNCER_CLIENTS")


def test_a_value_that_cannot_be_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    wrong: dict[str, Any] = DEFAULTS | {"DJANGO_POOL": "none"}
    with pytest.raises(SystemExit):
        PoolSettings.read(wrong)
    assert "twogates: DJANGO_POOL is 'none'; accepted: " in capsys.readouterr().err


def test_two_replicas_of_each_fit_into_what_compose_gives() -> None:
    """As in production, including the extra replica during a deploy."""
    two = {"FLASK_REPLICAS": "2", "FASTAPI_REPLICAS": "2", "DJANGO_REPLICAS": "2"}
    assert too_many(PoolSettings.read(DEFAULTS | two), int(defaults()["POSTGRES_CONNECTIONS"]), 3) is None


@pytest.mark.parametrize(
    ("changed", "accepted"),
    [
        ({"FLASK_REPLICAS": "2"}, None),  # eight workers
        ({"FLASK_THREADS": "2"}, None),
        ({"FLASK_CLIENT_LIMIT": "3"}, None),
        ({}, "at most 3"),
        ({"FLASK_WORKERS": "2"}, "at most 1"),
        ({"FLASK_WORKERS": "1", "FLASK_CLIENT_LIMIT": "1"}, "more FLASK_WORKERS"),
    ],
    ids=str,
)
def test_one_client_cannot_hold_all_workers_of_flask(changed: dict[str, str], accepted: str | None) -> None:
    said = held_by_one_client(PoolSettings.read(DEFAULTS | changed))
    assert (said is None) == (accepted is None)
    assert accepted is None or f"accepted: {accepted}" in str(said)


def test_production_as_it_is_delivered_keeps_workers_from_one_client() -> None:
    """compose.production.yaml runs two replicas."""
    given = {name: defaults()[name] for name in DEFAULTS if name in defaults()}
    assert held_by_one_client(PoolSettings.read(DEFAULTS | given | {"FLASK_REPLICAS": "2"})) is None

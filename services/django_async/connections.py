"""Check limits that depend on each other: all pools must fit into the database, and one client must not occupy all of Flask's workers."""

import math
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from twogates.database.common import WORKER_MORE, WORKER_POOL
from twogates.database.pool_size import LOOP_POOL
from twogates.server.settings import Settings

Number = Annotated[int, Field(ge=1)]
NumberOrAuto = Annotated[Number | None, BeforeValidator(lambda value: None if value == "auto" else value)]
# Connections reserved for the operator and for the migration job.
SPARE = 2
# A short-lived connection per service process, to probe whether the database is back or was only busy (Availability).
LOOKING = 1


class PoolSettings(Settings):
    """The number of processes of each service, and of connections of each process."""

    flask_workers: NumberOrAuto
    flask_threads: Number
    flask_pool: NumberOrAuto
    flask_cpus: float
    flask_replicas: Number
    flask_client_limit: Number
    fastapi_workers: NumberOrAuto
    fastapi_pool: NumberOrAuto
    fastapi_cpus: float
    fastapi_replicas: Number
    django_pool: NumberOrAuto
    django_replicas: Number
    worker_pool: NumberOrAuto
    worker_replicas: Number
    pgbouncer: Literal["on", "off"]
    pgbouncer_pool: Number
    pgbouncer_clients: Number

    @property
    def flask_processes(self) -> int:
        """Return the number of Flask's workers in all replicas. ``auto`` counts as server.py resolves it."""
        return (self.flask_workers or max(4, 2 * math.ceil(self.flask_cpus))) * self.flask_replicas

    def by_service(self) -> dict[str, int]:
        """Return the connections of each service in all replicas. ``auto`` counts as server.py resolves it.

        A process needs its pool and one connection for probes.
        """
        fastapi = (self.fastapi_workers or math.ceil(self.fastapi_cpus)) * self.fastapi_replicas
        return {
            "flask": self.flask_processes * ((self.flask_pool or self.flask_threads) + LOOKING),
            "fastapi": fastapi * ((self.fastapi_pool or LOOP_POOL) + LOOKING),
            "django": self.django_replicas * ((self.django_pool or LOOP_POOL) + LOOKING),
            "worker": ((self.worker_pool or WORKER_POOL) + WORKER_MORE) * self.worker_replicas,
        }


def held_by_one_client(pools: PoolSettings) -> str | None:
    """Return an error message if one client may send as many concurrent requests as Flask can handle, otherwise ``None``."""
    places = pools.flask_processes * pools.flask_threads
    if pools.flask_client_limit < places:
        return None
    return (
        f"FLASK_CLIENT_LIMIT is {pools.flask_client_limit}, and Flask holds {places} requests at a time: one client could hold them all; "
        f"accepted: {f'at most {places - 1}, or ' if places > 1 else ''}more FLASK_WORKERS, FLASK_THREADS or FLASK_REPLICAS"
    )


FEWER = "fewer workers, replicas or connections a pool (FASTAPI_POOL, DJANGO_POOL)"


def too_many(pools: PoolSettings, most: int, reserved: int) -> str | None:
    """Return an error message if the pools need more than ``most`` connections, of which ``reserved`` are the superuser's, or ``None``."""
    each, room = pools.by_service(), most - reserved - SPARE
    if pools.pgbouncer == "off":
        return beyond(each, [*each], f"PostgreSQL has room for {room}", room, f"{FEWER}, or a larger POSTGRES_CONNECTIONS")
    # The worker does not connect through PgBouncer. PgBouncer never runs twice, so of PostgreSQL's clients only the worker counts twice.
    clients = {name: number for name, number in each.items() if name != "worker"}
    held = {"pgbouncer": len(clients) * pools.pgbouncer_pool, "worker": each["worker"]}
    taken = pools.pgbouncer_clients
    return beyond(clients, [*clients], f"PgBouncer takes {taken}", taken, f"{FEWER}, or a larger PGBOUNCER_CLIENTS") or beyond(
        held, ["worker"], f"PostgreSQL has room for {room}", room, "a smaller PGBOUNCER_POOL, or a larger POSTGRES_CONNECTIONS"
    )


def beyond(each: dict[str, int], replaced: list[str], limit: str, room: int, accepted: str) -> str | None:
    """Return an error message if the services need more than ``room`` connections, or ``None``.

    The largest service in ``replaced`` counts twice: while it, or its workers, are replaced, old and new ones hold connections.
    """
    needed = sum(each.values()) + max(each[name] for name in replaced)
    if needed <= room:
        return None
    listed = ", ".join(f"{name} {number}" for name, number in each.items())
    twice = "the largest" if len(replaced) > 1 else f"the {replaced[0]}"
    return (
        f"the pools, and who looks whether the database is back, may hold {needed} connections ({listed}, and {twice} twice while it "
        f"is replaced), and {limit}; accepted: {accepted}"
    )

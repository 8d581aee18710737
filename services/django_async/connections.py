"""Whether the connections that all pools may hold fit into the database."""

import math
from typing import Annotated

from pydantic import BeforeValidator, Field

from twogates.database_common import LOOP_POOL, WORKER_MORE, WORKER_POOL
from twogates.settings import Settings

Number = Annotated[int, Field(ge=1)]
NumberOrAuto = Annotated[Number | None, BeforeValidator(lambda value: None if value == "auto" else value)]
# For who looks after the database, and for what changes its schema.
SPARE = 2
# Of a process of the services, for a moment: to see whether the database is back, or was only busy (Availability).
LOOKING = 1


class PoolSettings(Settings):
    """How many processes each service has, and how many connections each of them."""

    flask_workers: NumberOrAuto
    flask_threads: Number
    flask_pool: NumberOrAuto
    flask_cpus: float
    flask_replicas: Number
    fastapi_workers: NumberOrAuto
    fastapi_pool: NumberOrAuto
    fastapi_cpus: float
    fastapi_replicas: Number
    django_pool: NumberOrAuto
    django_replicas: Number
    worker_pool: NumberOrAuto
    worker_replicas: Number

    def by_service(self) -> dict[str, int]:
        """The connections of all replicas of each, with what server.py makes of auto: in each process its pool, and one that looks."""
        flask = (self.flask_workers or max(4, 2 * math.ceil(self.flask_cpus))) * self.flask_replicas
        fastapi = (self.fastapi_workers or math.ceil(self.fastapi_cpus)) * self.fastapi_replicas
        return {
            "flask": flask * ((self.flask_pool or self.flask_threads) + LOOKING),
            "fastapi": fastapi * ((self.fastapi_pool or LOOP_POOL) + LOOKING),
            "django": self.django_replicas * ((self.django_pool or LOOP_POOL) + LOOKING),
            "worker": ((self.worker_pool or WORKER_POOL) + WORKER_MORE) * self.worker_replicas,
        }


def too_many(pools: PoolSettings, most: int, reserved: int) -> str | None:
    """A sentence where the pools do not fit into ``most`` connections, of which ``reserved`` are the superuser's."""
    each = pools.by_service()
    # While a service is replaced, or its workers are, it is there twice; one service at a time.
    needed = sum(each.values()) + max(each.values())
    room = most - reserved - SPARE
    if needed <= room:
        return None
    listed = ", ".join(f"{name} {number}" for name, number in each.items())
    return (
        f"the pools, and who looks whether the database is back, may hold {needed} connections ({listed}, and the largest twice while it "
        f"is replaced), and PostgreSQL has room for {room}; accepted: fewer workers, replicas or connections a pool (FASTAPI_POOL, "
        "DJANGO_POOL), or a larger POSTGRES_CONNECTIONS"
    )

"""The cache's limits of time, and whether it answers. Compare database/common.py.

What is in Valkey may be gone at any time, and Valkey too: there is another way to every answer, so nobody waits for it for long.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import sleep
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError
from redis.retry import Retry

from twogates.server.settings import CacheSettings

log = logging.getLogger(__name__)

# It answers within a millisecond. One that is given so long and does not is down, or worth no waiting.
CONNECT_SECONDS = 0.2
ANSWER_SECONDS = 0.2
WAIT_SECONDS = 0.2  # for a connection of the pool
PROBE_SECONDS = 0.5  # between two looks at a cache that is down

# Connections of one event loop. At a fraction of a millisecond for each use, more than a loop can keep busy.
LOOP_CONNECTIONS = 20


class CacheDown(Exception):
    """It does not answer, or not in time."""


def connection_options(settings: CacheSettings, service: str) -> dict[str, Any]:
    """What redis-py is told of every connection."""
    return {
        "password": settings.cache_password,
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_timeout": ANSWER_SECONDS,
        "client_name": f"twogates-{service}",  # who it is in CLIENT LIST
        "driver_info": None,  # default: its name and version, in two more questions for each connection
        # RESP 2 has all that is needed here. Default 3, with a question about the maintenance of a server by its seller.
        "protocol": 2,
    }


def pool_options(settings: CacheSettings, service: str, size: int) -> dict[str, Any]:
    """What its pool is told."""
    return {**connection_options(settings, service), "max_connections": size, "timeout": WAIT_SECONDS}


class Availability:
    """Whether the cache answers. Once it does not, it is not asked, and a thread looks whether it is back."""

    def __init__(self, settings: CacheSettings, service: str) -> None:
        self.settings, self.service = settings, service
        self.down = False
        self.looking = threading.Lock()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """A block that asks the cache. Raises ``CacheDown`` where it is known to be down, or turns out to be."""
        if self.down:
            raise CacheDown
        try:
            yield
        except NoScriptError:  # an answer, and one that the block expects
            raise
        except (redis.ConnectionError, redis.TimeoutError) as error:
            self.lost()
            raise CacheDown from error
        except redis.RedisError as error:  # it answers that it will not: out of memory, or read-only
            log.error("the cache refuses: %s", error)
            raise CacheDown from error

    def lost(self) -> None:
        """A request has had no answer in time. It may have been a single one, on a busy machine: a look decides."""
        if self.looking.acquire(blocking=False):
            threading.Thread(target=self.look, daemon=True).start()

    def look(self) -> None:
        """Return when it answers."""
        try:
            while not self.answers():
                if not self.down:
                    log.error("the cache does not answer")
                self.down = True
                sleep(PROBE_SECONDS)
        finally:
            self.down = False
            self.looking.release()

    def answers(self) -> bool:
        """Whether it answers on a new connection."""
        options = connection_options(self.settings, self.service)
        try:
            with redis.Redis.from_url(self.settings.cache_url, retry=Retry(NoBackoff(), 0), **options) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

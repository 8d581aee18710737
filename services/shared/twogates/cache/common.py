"""Time limits of the cache, and its availability. Compare database/common.py.

The data in Valkey, and Valkey itself, may disappear at any time. Every answer has a fallback without it, so requests wait only briefly.
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

# Valkey answers within a millisecond. If it takes longer than these limits, it is down or not worth waiting for.
CONNECT_SECONDS = 0.2
ANSWER_SECONDS = 0.2
WAIT_SECONDS = 0.2  # for a pooled connection
PROBE_SECONDS = 0.5  # between two probes of a cache that is down

# Connections of one event loop. Each use takes a fraction of a millisecond, so a loop cannot keep this many busy.
LOOP_CONNECTIONS = 20


class CacheDown(Exception):
    """The cache does not answer, or not in time, or refuses the command."""


def connection_options(settings: CacheSettings, service: str) -> dict[str, Any]:
    """Return redis-py's options for every connection."""
    return {
        "password": settings.cache_password,
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_timeout": ANSWER_SECONDS,
        "client_name": f"twogates-{service}",  # shown in CLIENT LIST
        "driver_info": None,  # default: send its name and version, in two more commands per connection
        # RESP 2 is enough here. Default 3, which adds a command about maintenance notifications of managed servers.
        "protocol": 2,
    }


def pool_options(settings: CacheSettings, service: str, size: int) -> dict[str, Any]:
    """Return redis-py's options for a connection pool."""
    return {**connection_options(settings, service), "max_connections": size, "timeout": WAIT_SECONDS}


class Availability:
    """The state of the cache. While it is down, requests do not use it, and a thread probes until it recovers."""

    def __init__(self, settings: CacheSettings, service: str) -> None:
        self.settings, self.service = settings, service
        self.down = False
        self.looking = threading.Lock()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Wrap a block that uses the cache. Raises ``CacheDown`` if it is known to be down, or fails during the block."""
        if self.down:
            raise CacheDown
        try:
            yield
        except NoScriptError:  # not a failure: the block expects it
            raise
        except (redis.ConnectionError, redis.TimeoutError) as error:
            self.lost()
            raise CacheDown from error
        except redis.RedisError as error:  # Valkey refuses the command: out of memory, or read-only
            log.error("the cache refuses: %s", error)
            raise CacheDown from error

    def lost(self) -> None:
        """Report that a request got no answer in time. On a busy machine that may be a single case, so a probe decides."""
        if self.looking.acquire(blocking=False):
            threading.Thread(target=self.look, daemon=True).start()

    def look(self) -> None:
        """Probe until the cache answers."""
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
        """Return True if the cache answers on a new connection."""
        options = connection_options(self.settings, self.service)
        try:
            with redis.Redis.from_url(self.settings.cache_url, retry=Retry(NoBackoff(), 0), **options) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

"""The cache for code that blocks its thread. Compare cache/asynchronous.py."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property
from time import monotonic, sleep
from typing import Any

from redis import BlockingConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError
from redis.retry import Retry

from twogates.cache.common import Availability, CacheDown, pool_options
from twogates.cache.entries import (
    COUNT,
    COUNTS,
    FIELDS,
    LOOK,
    LOOK_SECONDS,
    RELEASE,
    STORE,
    WAIT_SECONDS,
    WINDOW_SECONDS,
    Asking,
    Kept,
    Look,
    Quota,
    Script,
    check_rate,
    unknown,
    uses,
)
from twogates.http.problems import Problem
from twogates.server.settings import CacheSettings


class Cache:
    """A connection pool, opened at the first use: in a worker, after the fork."""

    def __init__(self, settings: CacheSettings, service: str, size: int) -> None:
        self.settings, self.service, self.size = settings, service, size

    @cached_property
    def availability(self) -> Availability:
        return Availability(self.settings, self.service)

    @cached_property
    def client(self) -> Redis:
        options = pool_options(self.settings, self.service, self.size)
        # No retries: computing the answer without the cache is quicker. Default: three retries with growing pauses.
        once = Retry(NoBackoff(), 0)
        return Redis(connection_pool=BlockingConnectionPool.from_url(self.settings.cache_url, retry=once, **options))

    def run(self, script: Script, keys: Sequence[str], *arguments: Any) -> Any:
        """Return the result of a script: one round trip, or two if Valkey does not know it yet. Raises ``CacheDown``."""
        with self.availability.watched():
            try:
                return self.client.evalsha(script.sha, len(keys), *keys, *arguments)
            except NoScriptError:
                return self.client.eval(script.text, len(keys), *keys, *arguments)

    def through(self, name: str, compute: Callable[[], bytes]) -> Kept:
        """Return the cached entry of that name; on a miss, the result of ``compute``, which is then stored.

        Only one request of all services computes at a time. Meanwhile the others get the stale entry, or wait if there is none.
        """
        asking = Asking(name)
        try:
            look = self.look(asking, first=True)
            end = monotonic() + WAIT_SECONDS
            while look.awaited and monotonic() < end:
                sleep(LOOK_SECONDS)
                look = self.look(asking, first=False)
        except CacheDown:
            return asking.down(compute())
        if look.usable:
            return asking.found(look)
        try:
            body = compute()
        except Exception as error:
            if look.body is not None and isinstance(error, Problem) and error.status == 503:
                return asking.found(look)  # keep the lock: until it expires, no request queries the database
            with suppress(CacheDown):
                self.run(RELEASE, asking.keys, asking.token)
            raise
        return asking.computed(look, body, self.store(asking, body))

    def look(self, asking: Asking, first: bool) -> Look:
        body, left, mine = self.run(LOOK, asking.keys, *asking.look(first))
        return Look(body, left, mine, first)

    def store(self, asking: Asking, body: bytes) -> bool:
        """Store the entry. Return False if the cache is down."""
        try:
            self.run(STORE, asking.keys, *asking.store(body))
        except CacheDown:
            return False
        return True

    def uses(self) -> dict[str, Any]:
        """Return the hits and misses of all services since Valkey started."""
        try:
            with self.availability.watched():
                return uses(self.client.hmget(COUNTS, FIELDS))
        except CacheDown as error:
            raise unknown() from error

    def count_post(self, quota: Quota) -> None:
        """Count one more message. Raises the 429 answer if the quota is exceeded. Without the cache there is no limit."""
        with suppress(CacheDown):
            count, left = self.run(COUNT, [quota.key], WINDOW_SECONDS * 1000)
            check_rate(count, left, quota)

    def ready(self) -> bool:
        """Return True if the cache answers now."""
        try:
            with self.availability.watched():
                return bool(self.client.ping())
        except CacheDown:
            return False

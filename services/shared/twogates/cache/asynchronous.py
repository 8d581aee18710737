"""The cache for code that yields to the event loop. Compare cache/blocking.py."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import cached_property
from time import monotonic
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError

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
    """A pool that is opened at the first use, which is on the event loop."""

    def __init__(self, settings: CacheSettings, service: str, size: int) -> None:
        self.settings, self.service, self.size = settings, service, size

    @cached_property
    def availability(self) -> Availability:
        return Availability(self.settings, self.service)

    @cached_property
    def client(self) -> Redis:
        options = pool_options(self.settings, self.service, self.size)
        # The other way to an answer is quicker than another try. Default: three, with longer and longer pauses.
        once = Retry(NoBackoff(), 0)
        return Redis(connection_pool=BlockingConnectionPool.from_url(self.settings.cache_url, retry=once, **options))

    async def run(self, script: Script, keys: Sequence[str], *arguments: Any) -> Any:
        """The answer of a script: one round trip, and a second where Valkey does not know it yet. Raises ``CacheDown``."""
        with self.availability.watched():
            try:
                return await self.client.evalsha(script.sha, len(keys), *keys, *arguments)
            except NoScriptError:
                return await self.client.eval(script.text, len(keys), *keys, *arguments)

    async def through(self, name: str, compute: Callable[[], Awaitable[bytes]]) -> Kept:
        """What is kept under a name; else what ``compute`` returns, which is then kept.

        One request of all services computes. Until it is done the others have what was kept before, or wait for it.
        """
        asking = Asking(name)
        try:
            look = await self.look(asking, first=True)
            end = monotonic() + WAIT_SECONDS
            while look.awaited and monotonic() < end:
                await asyncio.sleep(LOOK_SECONDS)
                look = await self.look(asking, first=False)
        except CacheDown:
            return asking.down(await compute())
        if look.usable:
            return asking.found(look)
        try:
            body = await compute()
        except Exception as error:
            if look.body is not None and isinstance(error, Problem) and error.status == 503:
                return asking.found(look)  # and the lock stays: until it ends, nobody asks the database
            with suppress(CacheDown):
                await self.run(RELEASE, asking.keys, asking.token)
            raise
        return asking.computed(look, body, await self.store(asking, body))

    async def look(self, asking: Asking, first: bool) -> Look:
        body, left, mine = await self.run(LOOK, asking.keys, *asking.look(first))
        return Look(body, left, mine, first)

    async def store(self, asking: Asking, body: bytes) -> bool:
        """Keep it; whether that was possible."""
        try:
            await self.run(STORE, asking.keys, *asking.store(body))
        except CacheDown:
            return False
        return True

    async def uses(self) -> dict[str, Any]:
        """How often all services found what they looked for, since Valkey started."""
        try:
            with self.availability.watched():
                return uses(await self.client.hmget(COUNTS, FIELDS))
        except CacheDown as error:
            raise unknown() from error

    async def count_post(self, quota: Quota) -> None:
        """Count one more; raises the 429 answer beyond the quota. Without the cache everybody may post."""
        with suppress(CacheDown):
            count, left = await self.run(COUNT, [quota.key], WINDOW_SECONDS * 1000)
            check_rate(count, left, quota)

    async def ready(self) -> bool:
        """Whether the cache answers now."""
        try:
            with self.availability.watched():
                return bool(await self.client.ping())
        except CacheDown:
            return False

    async def close(self) -> None:
        """Close the pool."""
        await self.client.aclose()

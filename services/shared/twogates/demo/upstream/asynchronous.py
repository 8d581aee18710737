"""Calls to the upstream service for code on an event loop. Compare upstream/blocking.py."""

from functools import cached_property

import aiohttp

from twogates.demo.upstream.common import CONNECT_SECONDS, READY_SECONDS, SLACK_SECONDS, did_not_answer, took_too_long
from twogates.http.context import REQUEST_ID


class Upstream:
    """A client with a connection pool that the tasks of this process share."""

    def __init__(self, url: str, connections: int) -> None:
        self.url = url
        self.connections = connections

    @cached_property
    def session(self) -> aiohttp.ClientSession:
        # Created at the first use, since that is on the event loop. The pool's default of 100 connections would limit a service that
        # handles thousands of requests concurrently.
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=self.connections))

    async def call(self, seconds: float) -> None:
        """Request an answer after ``seconds`` from the upstream, and await it. Raises the 502 and 504 answers."""
        timeout = aiohttp.ClientTimeout(total=seconds + SLACK_SECONDS, sock_connect=CONNECT_SECONDS)
        try:
            async with self.session.get(
                f"{self.url}/wait?seconds={seconds}", timeout=timeout, headers={"X-Request-ID": REQUEST_ID.get()}
            ) as answer:
                await answer.read()
        except TimeoutError as error:
            raise took_too_long() from error
        except aiohttp.ClientError as error:
            raise did_not_answer() from error
        if answer.status != 200:
            raise did_not_answer()

    async def ready(self) -> bool:
        """Return True if the upstream answers now."""
        try:
            async with self.session.get(f"{self.url}/healthz", timeout=aiohttp.ClientTimeout(total=READY_SECONDS)) as answer:
                return answer.status == 200
        except (TimeoutError, aiohttp.ClientError):
            return False

    async def close(self) -> None:
        """Close the pool."""
        await self.session.close()

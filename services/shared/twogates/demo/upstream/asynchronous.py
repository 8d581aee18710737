"""Calls to the upstream service for code that yields to the event loop. Compare upstream/blocking.py."""

from functools import cached_property

import aiohttp

from twogates.demo.upstream.common import CONNECT_SECONDS, READY_SECONDS, SLACK_SECONDS, did_not_answer, took_too_long
from twogates.http.context import REQUEST_ID


class Upstream:
    """A pooled client: connections are kept and used again by the tasks of this process."""

    def __init__(self, url: str, connections: int) -> None:
        self.url = url
        self.connections = connections

    @cached_property
    def session(self) -> aiohttp.ClientSession:
        # Made at the first use, which is on the event loop. The pool's default of 100 would be the slots of a service
        # that holds thousands of requests.
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=self.connections))

    async def call(self, seconds: float) -> None:
        """Ask the upstream for an answer after ``seconds``, and yield until it comes."""
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
        """Whether the upstream answers now."""
        try:
            async with self.session.get(f"{self.url}/healthz", timeout=aiohttp.ClientTimeout(total=READY_SECONDS)) as answer:
                return answer.status == 200
        except (TimeoutError, aiohttp.ClientError):
            return False

    async def close(self) -> None:
        """Close the pool."""
        await self.session.close()

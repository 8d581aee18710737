"""Authors that post at a fixed rate through every service. Each posts its next message after the last one was accepted."""

import asyncio
import itertools
from time import perf_counter
from uuid import uuid4

import aiohttp

from loadtest.chat.payload import text

AUTHORS = 12
WARM_ROUNDS = 3
AGAIN_SECONDS = 0.1
LONGEST_SECONDS = 10.0  # time limit for one message, including its retries


class Posts:
    """The ids of the accepted messages, and how long each POST took in seconds."""

    def __init__(self, base: str, services: tuple[str, ...]) -> None:
        self.base, self.services = base, services
        self.taken: set[int] = set()
        self.seconds: list[float] = []
        self.again = 0
        self.failed: list[str] = []

    async def post(self, session: aiohttp.ClientSession, board: int, rate: float, seconds: float) -> None:
        """Post ``rate`` messages a second for ``seconds``."""
        start = perf_counter()
        each = AUTHORS / rate
        turns = [start + number / rate for number in range(AUTHORS)]
        pairs = zip(range(AUTHORS), itertools.cycle(self.services), turns, strict=False)
        await asyncio.gather(*(self.author(session, service, board, number, due, each, start + seconds) for number, service, due in pairs))

    async def warm(self, session: aiohttp.ClientSession, board: int) -> None:
        """Make every worker answer before the measurement: its first answer opens connections and compiles statements."""
        urls = [f"{self.base}/{service}/boards/{board}/messages" for service in self.services]
        for _ in range(WARM_ROUNDS):
            await asyncio.gather(*(self.one(session, url, f"author {who}", 0) for url in urls for who in range(AUTHORS)))
        self.taken.clear()
        self.seconds.clear()
        self.again = 0

    async def author(
        self, session: aiohttp.ClientSession, service: str, board: int, who: int, due: float, each: float, until: float
    ) -> None:
        for number in itertools.count():
            if due >= until:
                return
            await asyncio.sleep(max(0.0, due - perf_counter()))
            await self.one(session, f"{self.base}/{service}/boards/{board}/messages", f"author {who}", number)
            due += each

    async def one(self, session: aiohttp.ClientSession, url: str, author: str, number: int) -> None:
        """Post a message and retry until it is accepted. The Idempotency-Key ensures that retries store it only once."""
        sent, key = perf_counter(), uuid4().hex
        body, wrong = {"author": author, "text": text(number, sent)}, ""
        while perf_counter() - sent < LONGEST_SECONDS:
            try:
                async with session.post(url, json=body, headers={"Idempotency-Key": key}) as answer:
                    if answer.status == 201:
                        self.taken.add((await answer.json())["id"])
                        self.seconds.append(perf_counter() - sent)
                        return
                    wrong = f"{answer.status} {await answer.text()}"
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                wrong = repr(error)
            self.again += 1
            await asyncio.sleep(AGAIN_SECONDS)
        self.failed.append(wrong)

"""Well-behaved clients of the notice board, and the journal of the writes that the board acknowledged.

A writer sends each message with an Idempotency-Key and retries with the same key until the board acknowledges it. Readers
do not retry.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from time import monotonic
from typing import Any
from uuid import uuid4

import aiohttp

from loadtest.chaos.asks import SERVICES
from loadtest.chaos.load import Load
from loadtest.engine.variants import EngineError

WRITES, READS = 5, 20  # requests a second to each service, beside the 27 a second of the main load
# The statuses that a client retries after; 0 means no answer.
AGAIN = (0, 502, 503, 504)
AGAIN_SECONDS = 1.0  # the value of Retry-After
START_SECONDS = 30.0  # the first request to each worker opens its connection pool, which is slow on a busy machine


@dataclass(frozen=True, slots=True)
class Try:
    """One request and its result. Times are seconds since the load began. ``status`` 0: no answer."""

    began: float
    done: float
    service: str
    writes: bool
    status: int
    why: str = ""

    @property
    def right(self) -> bool:
        return self.status in (200, 201)


class Journal:
    """Reads and writes that run beside a load until it stops."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.tries: list[Try] = []
        self.acknowledged: set[str] = set()
        self.boards: dict[str, int] = {}

    async def open(self) -> None:
        """Create one board through each service, then start. Raise EngineError if a service creates none in START_SECONDS."""
        deadline = monotonic() + START_SECONDS
        for service in SERVICES:
            while service not in self.boards:
                status, body = await self.ask("POST", service, "/boards", {"name": uuid4().hex})
                if status == 201:
                    self.boards[service] = body["id"]
                elif monotonic() > deadline:
                    raise EngineError(f"{service} makes no board: {status} {body}")
                else:
                    await asyncio.sleep(0.2)
        self.tries.clear()
        for service in SERVICES:
            self.load.start(self.pace(service, WRITES, self.write))
            self.load.start(self.pace(service, READS, self.read))

    async def pace(self, service: str, rate: float, work: Any) -> None:
        """Start ``rate`` requests a second at an even rate, however long the answers take."""
        due = self.load.now
        while not self.load.stopping.is_set():
            due += 1 / rate
            await asyncio.sleep(max(0.0, due - self.load.now))
            self.load.start(work(service))

    async def read(self, service: str) -> None:
        """Read the board's messages."""
        await self.attempt(service, False, self.ask("GET", service, f"/boards/{self.boards[service]}/messages?limit=5"))

    async def write(self, service: str) -> None:
        """Write a message, and retry until it is acknowledged or the load stops."""
        key = uuid4().hex
        path, message = f"/boards/{self.boards[service]}/messages", {"author": service, "text": key}
        while True:
            status = await self.attempt(service, True, self.ask("POST", service, path, message, {"Idempotency-Key": key}))
            if status == 201:
                self.acknowledged.add(key)
            if status not in AGAIN:
                return
            try:
                await asyncio.wait_for(self.load.stopping.wait(), AGAIN_SECONDS)
            except TimeoutError:
                continue
            return

    async def attempt(self, service: str, writes: bool, asking: Coroutine[Any, Any, tuple[int, Any]]) -> int:
        """Record the result of a request, and return its status."""
        began = self.load.now
        status, body = await asking
        right = status in (200, 201)
        self.tries.append(Try(began, self.load.now, service, writes, status, "" if right else str(body)[:120]))
        return status

    async def ask(self, method: str, service: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        """Return the status and the JSON document of an answer; status 0 if there is no answer."""
        given = self.load.headers(next(self.load.numbers)) | (headers or {})
        try:
            async with self.load.session.request(method, f"{self.load.base}/{service}{path}", json=body, headers=given) as answer:
                if answer.status == 503 and "Retry-After" not in answer.headers:
                    return answer.status, "503 without Retry-After"
                return answer.status, await answer.json(content_type=None)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            return 0, f"{type(error).__name__}: {error}"

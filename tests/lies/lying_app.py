"""The FastAPI service with one fault, named by the environment variable LIE. Gunicorn serves it instead of ``app``."""

import asyncio
import os
import time
from typing import Any

from app import app, application  # type: ignore[import-not-found]  # of the service's folder, where Gunicorn runs
from twogates.http.asgi import Application, Message, Receive, RequestIdMiddleware, Send
from twogates.http.problems import MEDIA_TYPE, Problem

HELD_AT_MOST = 22
SWAPPED_ONE_IN = 10
RUNS_SECONDS, STANDS_SECONDS = 2.0, 1.0


class Sheds:
    """Answers 503 at once while it holds enough requests: an honest answer, which only a careless client counts as a success."""

    def __init__(self, inner: Application) -> None:
        self.inner, self.held = inner, 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        if self.held >= HELD_AT_MOST:
            await send({"type": "http.response.start", "status": 503, "headers": [(b"content-type", MEDIA_TYPE.encode())]})
            await send({"type": "http.response.body", "body": Problem(503).body})
            return
        self.held += 1
        try:
            await self.inner(scope, receive, send)
        finally:
            self.held -= 1


class Swaps:
    """Gives some requests the answer to another request in flight."""

    PATIENCE_SECONDS = 0.2

    def __init__(self, inner: Application) -> None:
        self.inner, self.seen = inner, 0
        self.first: tuple[list[Message], asyncio.Future[list[Message]]] | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].endswith("/wait"):
            await self.inner(scope, receive, send)
            return
        self.seen += 1
        answer: list[Message] = []
        swaps = self.seen % SWAPPED_ONE_IN < 2

        async def keep(message: Message) -> None:
            answer.append(message)

        await self.inner(scope, receive, keep)
        for message in await self.others(answer) if swaps else answer:
            await send(message)

    async def others(self, mine: list[Message]) -> list[Message]:
        """Return the answer to the other request of a pair, or one's own if no other arrives."""
        if self.first:
            (theirs, waits), self.first = self.first, None
            waits.set_result(mine)
            return theirs
        waits = asyncio.get_running_loop().create_future()
        self.first = mine, waits
        try:
            return await asyncio.wait_for(asyncio.shield(waits), self.PATIENCE_SECONDS)
        except TimeoutError:
            self.first = None
            return mine


class Stalls:
    """Stalls at intervals, with all its requests, as during a garbage collection."""

    def __init__(self, inner: Application) -> None:
        self.inner = inner
        self.task: Any = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        self.task = self.task or asyncio.create_task(self.stall())
        await self.inner(scope, receive, send)

    async def stall(self) -> None:
        while True:
            await asyncio.sleep(RUNS_SECONDS)
            time.sleep(STANDS_SECONDS)


class Wakes:
    """Delays its first answer, like a worker that still has to import its modules."""

    def __init__(self, inner: Application) -> None:
        self.inner, self.awake = inner, False

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].endswith("/wait") and not self.awake:
            self.awake = True
            await asyncio.sleep(float(os.environ["WAKING_SECONDS"]))
        await self.inner(scope, receive, send)


LIES = {"sheds": RequestIdMiddleware(Sheds(app)), "swaps": Swaps(application), "stalls": Stalls(application), "wakes": Wakes(application)}
application = LIES[os.environ["LIE"]]

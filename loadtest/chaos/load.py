"""The load: requests at an even rate, however long the answers take (an open load), and WebSockets that stay open.

The client does not retry, so that every loss is visible. If aiohttp itself resends a GET because the server closed its
connection, this counts as a failure.
"""

import asyncio
import heapq
from collections.abc import Sequence
from time import monotonic
from types import SimpleNamespace
from typing import Any, Self, cast

import aiohttp

from loadtest.chaos.asks import EVENT_LOOPS, Ask, asks, judge_answer
from loadtest.chaos.events import Outcome
from loadtest.chaos.recorder import Recorder
from loadtest.chaos.sockets import hold

SOCKETS = 4


class Load(Recorder):
    """A load on ``base`` for the duration of an ``async with`` block. When the block ends, every request has ended.

    ``clients``: the number of virtual clients. Each has its own address in X-Forwarded-For, which Nginx accepts only from a
    trusted proxy. 0: do not send the header.
    """

    def __init__(self, base: str, rate: float = 1.0, sockets: int = SOCKETS, clients: int = 0, what: Sequence[Ask] | None = None) -> None:
        super().__init__(base, clients)
        self.sockets = sockets
        self.asks = list(asks(rate) if what is None else what)
        self.late = 0.0  # the largest delay of the generator itself, in seconds
        self.tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self.began = monotonic()
        self.start(self.pace())
        for service in EVENT_LOOPS if self.sockets else ():
            for _ in range(self.sockets):
                self.start(hold(self, service))
        return self

    async def __aexit__(self, *exception: object) -> None:
        self.stopping.set()
        if exception[0] is not None:
            for task in self.tasks:
                task.cancel()
        while self.tasks:
            await asyncio.gather(*self.tasks, return_exceptions=exception[0] is not None)
        await self.session.close()

    def start(self, work: Any) -> None:
        """Start a task. The end of the ``async with`` block waits for it."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def pace(self) -> None:
        """Start each request when it is due. The kinds begin at different offsets, so that they do not coincide."""
        due = [(place / len(self.asks) / ask.rate, place) for place, ask in enumerate(self.asks)]
        heapq.heapify(due)
        while due and not self.stopping.is_set():
            moment, place = heapq.heappop(due)
            if (wait := moment - self.now) > 0:
                await asyncio.sleep(wait)
            if self.stopping.is_set():
                return
            self.late = max(self.late, self.now - moment)
            self.start(self.ask(self.asks[place], moment))
            heapq.heappush(due, (moment + 1 / self.asks[place].rate, place))

    async def ask(self, ask: Ask, planned: float) -> None:
        """Send one request and record its event."""
        self.planned += 1
        number, tries = next(self.numbers), SimpleNamespace(count=0)
        headers = self.headers(number) | ({"Content-Type": "application/json"} if ask.kind == "post" else {})
        status = 0
        try:
            async with self.session.request(
                ask.method, f"{self.base}/{ask.service}{ask.path}", headers=headers, data=ask.body(number), trace_request_ctx=tries
            ) as answer:
                status = answer.status
                body = await answer.read()
            outcome, why = judge_answer(ask, number, headers["X-Request-ID"], status, answer.headers, body)
            if tries.count > 1:
                outcome, why = "failed", "its connection was closed under it, and the client's library sent it again"
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            outcome, why = "failed", f"{type(error).__name__}: {error}" + (" after the answer began" if status else "")
        self.note(planned, ask.kind, ask.service, cast(Outcome, outcome), status, why)

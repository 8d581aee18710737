"""The load: requests at an even rate whatever the answers do (an open load), and WebSockets that stay open.

The client repeats nothing, so that every loss is seen: where aiohttp sends a GET again because its connection was closed
under it, that counts as a failure.
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
    """A load on ``base`` for the length of an ``async with`` block; at its end every request has ended.

    ``clients``: how many virtual clients the load claims to be, each with an X-Forwarded-For address of its own, which
    Nginx believes of a trusted proxy only. 0: the header is not sent.
    """

    def __init__(self, base: str, rate: float = 1.0, sockets: int = SOCKETS, clients: int = 0, what: Sequence[Ask] | None = None) -> None:
        super().__init__(base, clients)
        self.sockets = sockets
        self.asks = list(asks(rate) if what is None else what)
        self.late = 0.0  # seconds that the generator itself was late, at most
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
        """A task that the end of the block waits for."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def pace(self) -> None:
        """Start each request when it is due, the kinds out of step with each other."""
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
        """One request and its event."""
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

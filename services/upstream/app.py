"""A stand-in for the slow dependency of a real application: it answers after a delay and does nothing else.

A bare ASGI callable, so that it is not the bottleneck of a run: a call costs it about half of the CPU time that the call
costs the calling service (``make bench``). Each answer reports how late it was sent, and ``/healthz`` reports the largest
delay so far. If that is not small, the upstream was the bottleneck.
"""

import asyncio
from time import perf_counter

from twogates.demo.models import WaitQuery
from twogates.http.asgi import Message, Receive, RequestIdMiddleware, Send
from twogates.http.payloads import encode
from twogates.http.problems import MEDIA_TYPE, Problem, method_not_allowed


class Upstream:
    """The ASGI application, which also measures how late its own answers are."""

    def __init__(self) -> None:
        self.waiting = 0
        self.answered = 0
        self.latest = 0.0  # the largest delay of an answer beyond its due time, in seconds

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
        elif scope["type"] == "http":
            try:
                await respond(send, 200, "application/json", encode(await self.answer(scope)))
            except Problem as problem:
                await respond(send, problem.status, MEDIA_TYPE, problem.body)

    async def answer(self, scope: Message) -> dict[str, object]:
        """Return the answer to a request after the delay that it asks for."""
        if scope["path"] not in ("/wait", "/healthz"):
            raise Problem(404)
        if scope["method"] not in ("GET", "HEAD"):
            raise method_not_allowed(("GET", "HEAD"))
        if scope["path"] == "/healthz":
            return {"status": "alive", "waiting": self.waiting, "answered": self.answered, "latest_ms": round(self.latest * 1000, 3)}
        seconds = WaitQuery.read(scope["query_string"]).seconds
        due = perf_counter() + seconds
        self.waiting += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            self.waiting -= 1
        late = perf_counter() - due
        self.answered += 1
        self.latest = max(self.latest, late)
        return {"waited": seconds, "late_ms": round(late * 1000, 3)}


async def respond(send: Send, status: int, content_type: str, body: bytes) -> None:
    """Send a complete answer."""
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def lifespan(receive: Receive, send: Send) -> None:
    """Confirm startup and shutdown to the server: there is nothing to open or close."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


application = RequestIdMiddleware(Upstream())

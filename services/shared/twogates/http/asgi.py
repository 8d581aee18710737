"""Request id and timing around any ASGI callable. Compare wsgi.py, which does the same for WSGI."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from time import perf_counter
from typing import Any

from twogates.http import counters
from twogates.http.context import REQUEST_ID, REQUEST_STARTED, new_request_id, server_timing
from twogates.http.problems import MEDIA_TYPE, Problem

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]
# From the method, the path and the Authorization header: the answer that rejects a request, ``None`` if it may pass.
Refusal = Callable[[str, str, bytes], Problem | None]

log = logging.getLogger(__name__)


class RequestIdMiddleware:
    """ASGI middleware that reads or creates ``X-Request-ID``, returns it in the response, and adds ``Server-Timing``.

    For a WebSocket, the id is only used in the log. The middleware also turns an unhandled exception into a 500 immediately. Daphne would
    notice the exception by polling, up to a second later.
    """

    def __init__(self, app: Application) -> None:
        self.app = MetricsMiddleware(app) if counters.wanted() else app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        started = perf_counter()
        REQUEST_STARTED.set(started)
        request_id = b""
        for name, value in scope["headers"]:
            if name == b"x-request-id":
                request_id = value
        if not request_id:
            request_id = new_request_id().encode()
        REQUEST_ID.set(request_id.decode("latin-1"))
        # For a comparison with Nginx's log: each request must appear in both, exactly once.
        log.debug("received %s %s", scope.get("method", "WebSocket"), scope["path"])
        if scope["type"] == "websocket":
            await self.app(scope, receive, send)
            return
        answering = False

        async def observed_send(message: Message) -> None:
            nonlocal answering
            if message["type"] == "http.response.start":
                answering = True
                timing = server_timing(started).encode()
                # A copy: the application may send the same message object for every request.
                headers = [*message.get("headers", ()), (b"x-request-id", request_id), (b"server-timing", timing)]
                message = {**message, "headers": headers}
            await send(message)

        try:
            await self.app(scope, receive, observed_send)
        except Exception:
            log.exception("unhandled exception")
            if answering:
                raise
            await answer(Problem(500), observed_send)


async def answer(problem: Problem, send: Send, with_body: bool = True) -> None:
    """Send a problem as the answer."""
    headers = {**problem.headers, "Content-Type": MEDIA_TYPE, "Content-Length": str(len(problem.body))}
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": encoded})
    await send({"type": "http.response.body", "body": problem.body if with_body else b""})


class Guarded:
    """ASGI middleware that checks whether a request may pass. A rejected WebSocket gets status 403 before it opens."""

    def __init__(self, app: Application, refusal: Refusal) -> None:
        self.app, self.refusal = app, refusal

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        problem = None
        if scope["type"] in ("http", "websocket"):
            authorization = b",".join(value for name, value in scope["headers"] if name == b"authorization")
            problem = self.refusal(scope.get("method", "GET"), scope["path"], authorization)
        if problem is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close"})
        else:
            await answer(problem, send, with_body=scope["method"] != "HEAD")


class MetricsMiddleware:
    """ASGI middleware that counts each request or WebSocket for the duration of its call, and measures the event loop's lag."""

    def __init__(self, app: Application) -> None:
        self.app = app
        self.watching: asyncio.Task[None] | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        counts = counters.own()
        if self.watching is None or self.watching.done():
            self.watching = asyncio.create_task(watch_the_loop(counts))
        if scope["type"] == "websocket":
            begin, finish = counts.open_socket, counts.close_socket
        elif scope["type"] == "http" and scope["path"] not in counters.HEALTH_CHECKS:
            begin, finish = counts.begin, counts.finish
        else:
            await self.app(scope, receive, send)
            return
        begin()
        try:
            await self.app(scope, receive, send)
        finally:
            finish()


async def watch_the_loop(counts: counters.Counters) -> None:
    """Sleep periodically, and record how late each wake-up is. uvloop rounds to whole milliseconds."""
    while True:
        due = perf_counter() + counters.LAG_PERIOD
        await asyncio.sleep(counters.LAG_PERIOD)
        counts.lag(max(0.0, perf_counter() - due))

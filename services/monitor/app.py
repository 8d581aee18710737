"""The data for the live view of the page (docs/live.md): metrics of all services twice a second, and the log lines of a request.

A bare ASGI callable, like the upstream. Production has neither this service nor its paths.
"""

import asyncio
import re
from contextlib import aclosing, suppress

from access_log import Line
from pydantic import Field
from watching import Watching

from twogates.demo.settings import LiveSettings
from twogates.http.asgi import Message, Receive, RequestIdMiddleware, Send
from twogates.http.models import Body, Text
from twogates.http.payloads import EVENTS_TYPE, STREAM_HEADERS, encode
from twogates.http.problems import MEDIA_TYPE, Problem, method_not_allowed, too_large

settings = LiveSettings.read()
# The form of a request id in nginx/http/request_id.conf: no other id is ever logged.
REQUESTS = re.compile(r"/live/requests/(?P<ids>[A-Za-z0-9._-]{8,128}(?:,[A-Za-z0-9._-]{8,128})*)")
LOOKS, LOOK_SECONDS = 10, 0.1  # how often, and at what interval, the log is searched for the lines of requests
RETRY = b"retry: 1000\n\n"  # milliseconds after which a browser reconnects an interrupted stream


class Load(Body):
    """The status that a load generator posts once a second while it runs."""

    users: int = Field(ge=0, le=1_000_000, strict=True)
    name: Text


class Monitor:
    """The ASGI application."""

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.lifespan(receive, send)
        elif scope["type"] == "http":
            try:
                await self.answer(scope, receive, send)
            except Problem as problem:
                await respond(send, problem.status, MEDIA_TYPE, problem.body, problem.headers)

    async def answer(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request."""
        path, method = scope["path"], scope["method"]
        if path == "/live/load":
            allow(method, "POST")
            self.watching.say_load(Load.read(await read_body(receive), content_type(scope)).model_dump())
            await respond(send, 204, "", b"")
        elif path == "/live/events":
            allow(method, "GET", "HEAD")
            await (self.stream(receive, send) if method == "GET" else respond(send, 200, EVENTS_TYPE, b"", STREAM_HEADERS))
        elif found := REQUESTS.fullmatch(path):
            allow(method, "GET", "HEAD")
            lines = await self.lines({*found["ids"].split(",")})
            await respond(send, 200, "application/json", encode({"lines": lines}), {"Cache-Control": "no-store"})
        elif path == "/healthz":
            allow(method, "GET", "HEAD")
            await respond(send, 200, "application/json", encode({"status": "alive"}))
        else:
            raise Problem(404)

    async def lines(self, request_ids: set[str]) -> list[Line]:
        """Return the log lines of these requests. Raises the 404 answer if there is none.

        Nginx buffers its log, so wait for missing lines for up to a second, and then leave them out.
        """
        for _ in range(LOOKS):
            lines = await asyncio.to_thread(self.watching.log.find, request_ids)
            if request_ids <= {line["request_id"] for line in lines}:
                return lines
            await asyncio.sleep(LOOK_SECONDS)
        if not lines:
            raise Problem(404, "No line of the log has this request id.")
        return lines

    async def stream(self, receive: Receive, send: Send) -> None:
        """Send events until the client disconnects or this process shuts down."""
        headers = {"Content-Type": EVENTS_TYPE, **STREAM_HEADERS}
        await send({"type": "http.response.start", "status": 200, "headers": encoded(headers)})
        await send({"type": "http.response.body", "body": RETRY, "more_body": True})
        sending = asyncio.create_task(self.send_events(send))
        leaving = asyncio.create_task(until_gone(receive))
        await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
        sending.cancel()
        with suppress(asyncio.CancelledError):
            await sending
        await send({"type": "http.response.body", "body": b""})

    async def send_events(self, send: Send) -> None:
        """Send each event as soon as it is published. A client that reads slowly misses events: none is queued for it."""
        async with aclosing(self.watching.events()) as events:
            async for event in events:
                await send({"type": "http.response.body", "body": b"data: " + event + b"\n\n", "more_body": True})

    async def lifespan(self, receive: Receive, send: Send) -> None:
        """Run the monitoring task for as long as the server runs."""
        await receive()
        self.watching = Watching(settings)
        looking = asyncio.create_task(self.watching.keep_looking())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        looking.cancel()
        await send({"type": "lifespan.shutdown.complete"})


def allow(method: str, *methods: str) -> None:
    """Raise the 405 answer if the method is not one of these."""
    if method not in methods:
        raise method_not_allowed(methods)


def content_type(scope: Message) -> str | None:
    """Return the content type of the request, or ``None`` if it has none."""
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"content-type"), None)


async def read_body(receive: Receive) -> bytes:
    """Return the body of the request. Raises the 413 answer above the limit, which Nginx enforces too."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > settings.body_limit:
            raise too_large(settings.body_limit)
    return body


async def until_gone(receive: Receive) -> None:
    """Return when the client has disconnected."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def respond(send: Send, status: int, media_type: str, body: bytes, more: dict[str, str] | None = None) -> None:
    """Send a complete answer."""
    headers = ({"Content-Type": media_type, "Content-Length": str(len(body))} if media_type else {}) | (more or {})
    await send({"type": "http.response.start", "status": status, "headers": encoded(headers)})
    await send({"type": "http.response.body", "body": body})


def encoded(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    """Return headers in the form of ASGI: pairs of bytes, with names in lower case."""
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


application = RequestIdMiddleware(Monitor())

"""What the page's live view shows (docs/live.md): numbers of all services twice a second, and the log lines of a request.

A bare ASGI callable, as the upstream is. Production has neither this service nor its paths.
"""

import asyncio
import re
from contextlib import aclosing, suppress

from access_log import Line
from pydantic import Field
from watching import Watching

from twogates.demo.settings import LiveSettings
from twogates.demo.streams import EVENTS_TYPE, STREAM_HEADERS
from twogates.http.asgi import Message, Observed, Receive, Send
from twogates.http.models import Body, Text
from twogates.http.payloads import encode
from twogates.http.problems import MEDIA_TYPE, Problem, method_not_allowed, too_large

settings = LiveSettings.read()
# As nginx/http/request_id.conf has it: another is in no line.
REQUESTS = re.compile(r"/live/requests/(?P<ids>[A-Za-z0-9._-]{8,128}(?:,[A-Za-z0-9._-]{8,128})*)")
LOOKS, LOOK_SECONDS = 10, 0.1  # for the lines of requests
RETRY = b"retry: 1000\n\n"  # milliseconds until a browser asks again, whose stream was cut


class Load(Body):
    """What a load generator says of itself, once a second while it runs."""

    users: int = Field(ge=0, le=1_000_000, strict=True)
    name: Text


class Monitor:
    """The application."""

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.lifespan(receive, send)
        elif scope["type"] == "http":
            try:
                await self.answer(scope, receive, send)
            except Problem as problem:
                await respond(send, problem.status, MEDIA_TYPE, problem.body, problem.headers)

    async def answer(self, scope: Message, receive: Receive, send: Send) -> None:
        """The answer to a request."""
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
        """Those of these requests, for which it waits a moment, since Nginx holds them back for one; without those that do not come."""
        for _ in range(LOOKS):
            lines = await asyncio.to_thread(self.watching.log.find, request_ids)
            if request_ids <= {line["request_id"] for line in lines}:
                return lines
            await asyncio.sleep(LOOK_SECONDS)
        if not lines:
            raise Problem(404, "No line of the log has this request id.")
        return lines

    async def stream(self, receive: Receive, send: Send) -> None:
        """Send events until the client leaves, or this process is told to stop."""
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
        """Each as soon as it is there. A client who reads slowly misses some, and no event waits for him."""
        async with aclosing(self.watching.events()) as events:
            async for event in events:
                await send({"type": "http.response.body", "body": b"data: " + event + b"\n\n", "more_body": True})

    async def lifespan(self, receive: Receive, send: Send) -> None:
        """Look while the server runs."""
        await receive()
        self.watching = Watching(settings)
        looking = asyncio.create_task(self.watching.keep_looking())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        looking.cancel()
        await send({"type": "lifespan.shutdown.complete"})


def allow(method: str, *methods: str) -> None:
    """Raise the 405 answer unless the method is one of these."""
    if method not in methods:
        raise method_not_allowed(methods)


def content_type(scope: Message) -> str | None:
    """The request's, ``None`` where it has none."""
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"content-type"), None)


async def read_body(receive: Receive) -> bytes:
    """The request's body; Nginx has bounded it too."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > settings.body_limit:
            raise too_large(settings.body_limit)
    return body


async def until_gone(receive: Receive) -> None:
    """Return when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def respond(send: Send, status: int, media_type: str, body: bytes, more: dict[str, str] | None = None) -> None:
    """Send one whole answer."""
    headers = ({"Content-Type": media_type, "Content-Length": str(len(body))} if media_type else {}) | (more or {})
    await send({"type": "http.response.start", "status": status, "headers": encoded(headers)})
    await send({"type": "http.response.body", "body": body})


def encoded(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    """Headers as ASGI has them."""
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


application = Observed(Monitor())

"""The smallest environ and scope that PEP 3333 and ASGI allow, sent to an application through a validator on both sides.

``python -m tests.smallest MODULE asgi|wsgi``, in a service's folder and with its environment, prints what its ``application`` answers
to each request. It is a separate process because the services' modules share names.
"""

import asyncio
import importlib
import io
import json
import sys
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import copy_context
from typing import Any
from wsgiref.validate import WSGIWarning, validator

from tests import asgi_validator
from twogates.http.asgi import Application, Message

# wsgiref warns about a missing QUERY_STRING, which is what this tests.
warnings.filterwarnings("ignore", category=WSGIWarning)
# Requests to any service, without database and upstream. The empty path reaches the application's own root by SCRIPT_NAME alone.
REQUESTS = [("GET", path) for path in ("", "/healthz", "/wait", "/json", "/hello/you", "/stream", "/events", "/nowhere", "/ws")]
REQUESTS += [("POST", "/echo"), ("POST", "/upload"), ("POST", "/live/load"), ("HEAD", "/json"), ("OPTIONS", "/json")]

SOCKETS = ("/ws", "/boards/none/chat")
WAIT_SECONDS = 30.0  # guards against a hang


def environ(method: str = "GET", path: str = "") -> dict[str, Any]:
    """Return what PEP 3333 requires, including the variables that may be omitted if empty but that ``wsgiref.validate`` insists on."""
    return {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "/mounted",
        "PATH_INFO": path,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.0",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def without_empty(app: Any) -> Any:
    """Call ``app`` as a server does that omits empty variables: no path below its root, no query string, no body, no client."""
    return lambda environ, start_response: app({name: value for name, value in environ.items() if value != ""}, start_response)


def scope(kind: str, method: str = "GET", path: str = "/") -> Message:
    """Return what the ASGI specification requires, and nothing optional: no client, server, scheme or root path."""
    found: Message = {"type": kind, "asgi": {"version": "3.0"}}
    if kind != "lifespan":
        found |= {"path": path, "headers": []}
    if kind == "http":
        found |= {"method": method, "http_version": "1.1", "query_string": b""}
    return found


def by_wsgi(app: Any, method: str = "GET", path: str = "") -> tuple[int, bytes]:
    """Return the status and body of the answer."""
    started: list[str] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        started.append(status)
        return lambda _: None

    def answered() -> bytes:
        answer = validator(without_empty(app))(environ(method, path), start_response)
        try:
            return b"".join(answer)
        finally:
            answer.close()

    body = copy_context().run(answered)
    return int(started[-1][:3]), body


async def by_asgi(app: Application, asked: Message) -> list[Message]:
    """Return the messages sent to a client that has sent its whole request. It waits for the whole answer, but leaves a socket at once."""
    sent: list[Message] = []
    coming = [{"type": {"http": "http.request", "websocket": "websocket.connect", "lifespan": "lifespan.startup"}[asked["type"]]}]
    left = asyncio.Event()

    async def receive() -> Message:
        if coming:
            return coming.pop()
        await left.wait()
        return {"type": "websocket.disconnect", "code": 1005}

    async def send(message: Message) -> None:
        sent.append(message)
        if asked["type"] == "websocket":
            left.set()

    await asgi_validator.validator(app)(asked, receive, send)
    return sent


@asynccontextmanager
async def lifespan(app: Application) -> AsyncIterator[None]:
    """Run the lifespan as a server does: start-up first, if the application supports it, and shutdown when the block ends."""
    started, ended = asyncio.Event(), asyncio.Event()
    coming = [{"type": "lifespan.startup"}]

    async def receive() -> Message:
        if coming:
            return coming.pop()
        await ended.wait()
        return {"type": "lifespan.shutdown"}

    async def send(message: Message) -> None:
        assert message["type"] in ("lifespan.startup.complete", "lifespan.shutdown.complete"), message
        started.set()

    async def run() -> None:
        try:
            await app(scope("lifespan"), receive, send)
        except Exception:
            if started.is_set():  # before that, an exception means that the application has no lifespan, and a server continues
                raise
        started.set()

    running = asyncio.create_task(run())
    await asyncio.wait_for(started.wait(), WAIT_SECONDS)
    yield
    ended.set()
    await asyncio.wait_for(running, WAIT_SECONDS)


async def all_by_asgi(app: Application) -> dict[str, object]:
    found: dict[str, object] = {}
    async with lifespan(app):
        for method, path in REQUESTS:
            sent = await asyncio.wait_for(by_asgi(app, scope("http", method, path or "/")), WAIT_SECONDS)
            found[f"{method} {path}"] = sent[0]["status"]
        for path in SOCKETS:
            # Starlette reads a socket's query string without checking that it is there, although it is optional.
            asked = scope("websocket", path=path) | ({"query_string": b""} if "starlette" in sys.modules else {})
            sent = await asyncio.wait_for(by_asgi(app, asked), WAIT_SECONDS)
            found[f"socket {path}"] = [message["type"] for message in sent]
    return found


def main() -> None:
    app = importlib.import_module(sys.argv[1]).application
    if sys.argv[2] == "wsgi":
        print(json.dumps({f"{method} {path}": by_wsgi(app, method, path)[0] for method, path in REQUESTS}))
    else:
        print(json.dumps(asyncio.run(all_by_asgi(app))))


if __name__ == "__main__":
    main()

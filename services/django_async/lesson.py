"""The lesson: how this service waits. Compare the module of the same name in the other two services.

ASGI: a view is a coroutine on an event loop. While it awaits, the loop runs the others.
"""

import asyncio
import time
from collections.abc import AsyncIterator

from asgiref.sync import sync_to_async
from web import Request, Response, Routes, answer, query_string, streamed

from twogates.demo.models import BlockQuery, StreamQuery, UpstreamQuery, WaitQuery
from twogates.demo.settings import UpstreamSettings
from twogates.demo.streams import STREAM_TYPE, chunk, event, first_event
from twogates.demo.upstream.asynchronous import Upstream
from twogates.http.payloads import EVENTS_TYPE

settings = UpstreamSettings.read()
upstream_service = Upstream(settings.upstream_url, settings.upstream_connections)
routes = Routes()


@routes.get("/wait")
async def wait(request: Request) -> Response:
    query = WaitQuery.read(query_string(request))
    await asyncio.sleep(query.seconds)
    return answer({"waited": query.seconds})


@routes.get("/upstream")
async def upstream(request: Request) -> Response:
    query = UpstreamQuery.read(query_string(request))
    await asyncio.gather(*(upstream_service.call(query.seconds) for _ in range(query.calls)))  # all at once
    return answer({"calls": query.calls, "seconds": query.seconds})


@routes.get("/block", development_only=True)
async def block(request: Request) -> Response:
    query = BlockQuery.read(query_string(request))
    if query.offload:
        # Not thread-sensitive: use a thread of the loop's pool. The default starts a thread for this request alone.
        await sync_to_async(time.sleep, thread_sensitive=False)(query.seconds)
    else:
        time.sleep(query.seconds)  # the classic mistake: it stops the event loop, and every other request with it
    return answer({"blocked": query.seconds})


@routes.get("/stream")
async def stream(request: Request) -> Response:
    query = StreamQuery.read(query_string(request))

    async def parts() -> AsyncIterator[bytes]:
        for number in range(1, query.chunks + 1):
            if number > 1:
                await asyncio.sleep(query.interval)
            yield chunk(number, query.chunks)

    return streamed(parts(), STREAM_TYPE)


@routes.get("/events")
async def events(request: Request) -> Response:
    query = StreamQuery.read(query_string(request))
    first = first_event(request.headers.get("Last-Event-ID"))

    async def parts() -> AsyncIterator[bytes]:
        for number in range(first, query.chunks + 1):
            if number > first:
                await asyncio.sleep(query.interval)
            yield event(number, query.chunks)

    return streamed(parts(), EVENTS_TYPE)

"""Two Gates on Django: the contract as an ASGI application.

A view is a coroutine, and one event loop runs all views: while one view awaits, the others continue.
"""

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "django_settings")

from asgiref.sync import sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

# Must run before any module with models is imported.
django_application = get_asgi_application()

import board
import chat
import database
import questions
import summary
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path
from web import answer, get, post, problem, query_string

from twogates.demo import static_file, streams
from twogates.demo.board.access import ExampleSettings, refusal
from twogates.demo.models import BlockQuery, CpuQuery, Document, StreamQuery, UpstreamQuery, WaitQuery
from twogates.demo.settings import UpstreamSettings
from twogates.demo.upstream.asynchronous import Upstream
from twogates.demo.work import cpu_work
from twogates.http.asgi import Guarded, Observed
from twogates.http.payloads import SMALL, Identity, greeting
from twogates.http.problems import Problem
from twogates.http.readiness import readiness
from twogates.server import shutdown as leaving
from twogates.server.settings import DjangoSettings

settings = DjangoSettings.read()
identity = Identity("django", "django", "ASGI", "daphne", "daphne", None)
upstream_settings = UpstreamSettings.read()
upstream_service = Upstream(upstream_settings.upstream_url, upstream_settings.upstream_connections)
leaving.LAST.append(upstream_service.close)


@get
async def index(request: HttpRequest) -> HttpResponse:
    return answer(identity.answer(settings.profile, request.META.get("REMOTE_ADDR")))


@get
async def healthz(request: HttpRequest) -> HttpResponse:
    return answer({"status": "alive"})


@get
async def readyz(request: HttpRequest) -> HttpResponse:
    return answer(readiness(upstream=await upstream_service.ready(), database=await database_ready(), cache=await board.cache.ready()))


async def database_ready() -> bool:
    try:
        return await database.ready()
    except Exception:
        return False


@get
async def small_json(request: HttpRequest) -> HttpResponse:
    return answer(SMALL)


@get
async def hello(request: HttpRequest, name: str) -> HttpResponse:
    return answer(greeting(name))


@get
async def wait(request: HttpRequest) -> HttpResponse:
    query = WaitQuery.read(query_string(request))
    await asyncio.sleep(query.seconds)
    return answer({"waited": query.seconds})


@get
async def upstream(request: HttpRequest) -> HttpResponse:
    query = UpstreamQuery.read(query_string(request))
    await asyncio.gather(*(upstream_service.call(query.seconds) for _ in range(query.calls)))
    return answer({"calls": query.calls, "seconds": query.seconds})


@get
async def cpu(request: HttpRequest) -> HttpResponse:
    query = CpuQuery.read(query_string(request))
    return answer({"work": query.work, "digest": cpu_work(query.work)})


@get
async def block(request: HttpRequest) -> HttpResponse:
    query = BlockQuery.read(query_string(request))
    if query.offload:
        # Not thread-sensitive: uses a thread of the loop's pool. The default would start a thread for this request alone.
        await sync_to_async(time.sleep, thread_sensitive=False)(query.seconds)
    else:
        time.sleep(query.seconds)  # the classic mistake: it blocks everything else on this event loop
    return answer({"blocked": query.seconds})


@get
async def stream(request: HttpRequest) -> StreamingHttpResponse:
    query = StreamQuery.read(query_string(request))

    async def chunks() -> AsyncIterator[bytes]:
        for number in range(1, query.chunks + 1):
            if number > 1:
                await asyncio.sleep(query.interval)
            yield streams.chunk(number, query.chunks)

    return StreamingHttpResponse(chunks(), content_type=streams.STREAM_TYPE, headers=streams.STREAM_HEADERS)


@get
async def events(request: HttpRequest) -> StreamingHttpResponse:
    query = StreamQuery.read(query_string(request))
    first = streams.first_event(request.headers.get("Last-Event-ID"))

    async def sent() -> AsyncIterator[bytes]:
        for number in range(first, query.chunks + 1):
            if number > first:
                await asyncio.sleep(query.interval)
            yield streams.event(number, query.chunks)

    return StreamingHttpResponse(sent(), content_type=streams.EVENTS_TYPE, headers=streams.STREAM_HEADERS)


@get
async def gates(request: HttpRequest) -> HttpResponse:
    # Not a FileResponse: under ASGI, Django warns about its synchronous iterator, then reads the whole file in a thread anyway,
    # and sends it in pieces of 4 KiB.
    body = await sync_to_async(static_file.FILE.read_bytes, thread_sensitive=False)()
    return HttpResponse(body, content_type=static_file.TYPE, headers={"Content-Length": len(body)})


@post
async def echo(request: HttpRequest) -> HttpResponse:
    document = Document.read(request.body, request.content_type)
    return answer(document.model_dump(mode="json"))


@post
async def upload(request: HttpRequest) -> HttpResponse:
    # Daphne reads the whole body before this runs. Nginx rejects a body that is larger than this process may hold.
    digest, size = hashlib.sha256(), 0
    while part := request.read(65536):
        digest.update(part)
        size += len(part)
    return answer({"bytes": size, "sha256": digest.hexdigest()})


@get
async def websocket_without_upgrade(request: HttpRequest) -> HttpResponse:
    raise Problem(426, "This path speaks WebSocket.", headers={"Upgrade": "websocket"})


class WebSocket(AsyncWebsocketConsumer):
    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.send(text_data, bytes_data)


def handler400(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem(Problem(400))


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem(Problem(404))


def handler500(request: HttpRequest) -> HttpResponse:
    return problem(Problem(500))


# Only in development: these routes demonstrate a blocked event loop, so any client can block the loop with them.
demo = [path("cpu", cpu), path("block", block), *questions.routes] if settings.profile == "development" else []
urlpatterns = [
    *demo,
    path("", index),
    path("healthz", healthz),
    path("readyz", readyz),
    path("json", small_json),
    path("hello/<str:name>", hello),
    path("wait", wait),
    path("upstream", upstream),
    path("stream", stream),
    path("events", events),
    path("static/gates.svg", gates),
    path("echo", echo),
    path("upload", upload),
    path("ws", websocket_without_upgrade),
    *board.routes,
    *chat.routes,
    *summary.routes,
]
sockets = URLRouter([path("ws", WebSocket.as_asgi()), *chat.sockets])

http = django_application
if settings.admin == "on":
    from admin_site import handler, static_files

    urlpatterns += static_files.routes
    http = handler.beside(http)

both = ProtocolTypeRouter({"http": http, "websocket": sockets})
refused = refusal(ExampleSettings.read())
application = Observed(Guarded(both, refused) if refused else both)

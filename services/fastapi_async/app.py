"""Two Gates on FastAPI: the contract as an ASGI application.

A view is a coroutine, and one event loop runs all views: while one view awaits, the others continue.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, Any

import board
import chat
import questions
import summary
from fastapi import FastAPI, Query, Request, Response, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, StreamingResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match, Route
from starlette.websockets import WebSocketDisconnect, WebSocketDisconnected
from web import answer, problem

from twogates.demo import static_file, streams
from twogates.demo.board.access import ExampleSettings, refusal
from twogates.demo.models import BlockQuery, CpuQuery, Document, StreamQuery, UpstreamQuery, WaitQuery
from twogates.demo.settings import UpstreamSettings
from twogates.demo.upstream.asynchronous import Upstream
from twogates.demo.work import cpu_work
from twogates.http.asgi import Guarded, Observed
from twogates.http.payloads import SMALL, Identity, greeting
from twogates.http.problems import Problem, invalid, method_not_allowed, too_large
from twogates.http.readiness import readiness
from twogates.server.settings import AppSettings

settings = AppSettings.read()
identity = Identity("fastapi", "fastapi", "ASGI", "gunicorn+uvicorn", "uvicorn_worker", None)
upstream_settings = UpstreamSettings.read()
upstream_service = Upstream(upstream_settings.upstream_url, upstream_settings.upstream_connections)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    await upstream_service.close()
    await chat.feeds.close()
    await board.database.close()
    await board.cache.close()


app = FastAPI(
    lifespan=lifespan,
    openapi_url=None,  # the contract of all three services is services/openapi.yaml
    redirect_slashes=False,  # default: /json/ is redirected, where the contract requires a 404
    telemetry={"tracing": False, "metrics": False, "logs": False},  # default on, but nothing here collects it
)
get = partial(app.api_route, methods=["GET", "HEAD"])
post = partial(app.api_route, methods=["POST"])


def demo(path: str) -> Callable[..., Any]:
    """Register a route only in development: it demonstrates a blocked event loop, so any client can block the loop with it."""
    return get(path) if settings.profile == "development" else lambda view: view


@get("/")
async def index(request: Request) -> Response:
    return answer(identity.answer(settings.profile, request.client and request.client.host))


@get("/healthz")
async def healthz() -> Response:
    return answer({"status": "alive"})


@get("/readyz")
async def readyz() -> Response:
    return answer(
        readiness(upstream=await upstream_service.ready(), database=await board.database.ready(), cache=await board.cache.ready())
    )


@get("/json")
async def small_json() -> Response:
    return answer(SMALL)


@get("/hello/{name}")
async def hello(name: str) -> Response:
    return answer(greeting(name))


@get("/wait")
async def wait(query: Annotated[WaitQuery, Query()]) -> Response:
    await asyncio.sleep(query.seconds)
    return answer({"waited": query.seconds})


@get("/upstream")
async def upstream(query: Annotated[UpstreamQuery, Query()]) -> Response:
    await asyncio.gather(*(upstream_service.call(query.seconds) for _ in range(query.calls)))
    return answer({"calls": query.calls, "seconds": query.seconds})


@demo("/cpu")
async def cpu(query: Annotated[CpuQuery, Query()]) -> Response:
    return answer({"work": query.work, "digest": cpu_work(query.work)})


@demo("/block")
async def block(query: Annotated[BlockQuery, Query()]) -> Response:
    if query.offload:
        await asyncio.to_thread(time.sleep, query.seconds)
    else:
        time.sleep(query.seconds)  # the classic mistake: it blocks everything else on this event loop
    return answer({"blocked": query.seconds})


@get("/stream")
async def stream(query: Annotated[StreamQuery, Query()]) -> Response:
    async def chunks() -> AsyncIterator[bytes]:
        for number in range(1, query.chunks + 1):
            if number > 1:
                await asyncio.sleep(query.interval)
            yield streams.chunk(number, query.chunks)

    return StreamingResponse(chunks(), media_type=streams.STREAM_TYPE, headers=streams.STREAM_HEADERS)


@get("/events")
async def events(request: Request, query: Annotated[StreamQuery, Query()]) -> Response:
    first = streams.first_event(request.headers.get("Last-Event-ID"))

    async def sent() -> AsyncIterator[bytes]:
        for number in range(first, query.chunks + 1):
            if number > first:
                await asyncio.sleep(query.interval)
            yield streams.event(number, query.chunks)

    headers = {**streams.STREAM_HEADERS, "Content-Type": streams.EVENTS_TYPE}
    return StreamingResponse(sent(), headers=headers)


@get("/static/gates.svg")
async def gates() -> Response:
    # FileResponse reads the file in a thread. It would also honour a Range header, but Nginx removes that header.
    return FileResponse(static_file.FILE, media_type=static_file.TYPE, headers={"Accept-Ranges": "none"})


@post("/echo", max_body_size=settings.body_limit)
async def echo(document: Document) -> Response:
    return answer(document.model_dump(mode="json"))


@post("/upload", max_body_size=settings.upload_limit)
async def upload(request: Request) -> Response:
    digest, size = hashlib.sha256(), 0
    async for part in request.stream():
        digest.update(part)
        size += len(part)
    return answer({"bytes": size, "sha256": digest.hexdigest()})


@get("/ws")
async def websocket_without_upgrade() -> Response:
    raise Problem(426, "This path speaks WebSocket.", headers={"Upgrade": "websocket"})


@app.websocket("/ws")
async def websocket(socket: WebSocket) -> None:
    await socket.accept()
    while (message := await socket.receive())["type"] == "websocket.receive":
        await socket.send({**message, "type": "websocket.send"})


app.add_exception_handler(Problem, problem)  # type: ignore[arg-type]
app.include_router(board.routes)
app.include_router(chat.routes)
app.include_router(summary.routes)
if settings.profile == "development":
    app.include_router(questions.routes)


@app.exception_handler(RequestValidationError)
async def invalid_request(request: Request, error: RequestValidationError) -> Response:
    first = error.errors()[0]
    dependant = request.scope["route"].dependant
    if first["loc"][0] == "query":
        model = dependant.query_params[0].field_info.annotation
        return await problem(request, invalid("query", error.errors(), model))
    return await read_again(request)


async def read_again(request: Request) -> Response:
    """Answer an unreadable body as the contract requires. FastAPI words the error differently if it is empty, null or not JSON."""
    try:
        model = request.scope["route"].dependant.body_params[0].field_info.annotation
        model.read(await request.body(), request.headers.get("Content-Type"))
    except Problem as contract:
        return await problem(request, contract)
    return await problem(request, Problem(400))


@app.exception_handler(ClientDisconnect)
async def gone(request: Request, error: ClientDisconnect) -> Response:
    # The client disconnected during an upload, or Nginx aborted a malformed one. No client receives this answer, but without it
    # the log gets a traceback.
    return await problem(request, Problem(400))


async def left(socket: WebSocket, error: Exception) -> None:
    """Ignore the error: a client disconnected while its socket was accepted, read or written to."""


app.add_exception_handler(WebSocketDisconnect, left)
app.add_exception_handler(WebSocketDisconnected, left)


@app.exception_handler(HTTPException)
async def framework_error(request: Request, error: HTTPException) -> Response:
    if error.status_code == 400:  # FastAPI could not read the body for a reason other than its syntax
        return await read_again(request)
    if error.status_code == 405:
        # Starlette lists the methods of one route only, and a path may have several routes.
        found = (*app.routes, *board.routes.routes, *chat.routes.routes, *questions.routes.routes, *summary.routes.routes)
        routes = (route for route in found if isinstance(route, Route))
        here = (route for route in routes if route.matches(request.scope)[0] != Match.NONE)
        return await problem(request, method_not_allowed({method for route in here for method in route.methods or ()}))
    if error.status_code == 413:
        limit = settings.upload_limit if request.url.path == "/upload" else settings.body_limit
        return await problem(request, too_large(limit))
    return await problem(request, Problem(error.status_code))


refused = refusal(ExampleSettings.read())
application = Observed(Guarded(app, refused) if refused else app)

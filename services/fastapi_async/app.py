"""Two Gates on FastAPI: the contract as an ASGI application.

A view is a coroutine, and one event loop runs all views: while one view awaits, the others continue.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import board
import chat
import endpoints
import errors
import lesson
import questions
import summary
from fastapi import FastAPI, Request, Response
from web import answer

from twogates.demo.board.access import ExampleSettings, refusal
from twogates.http.asgi import Guarded, RequestIdMiddleware
from twogates.http.payloads import Identity
from twogates.http.readiness import readiness
from twogates.server.settings import AppSettings

settings = AppSettings.read()
identity = Identity("fastapi", "fastapi", "ASGI", "gunicorn+uvicorn", "uvicorn_worker", None)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    await lesson.upstream_service.close()
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


@get("/")
async def index(request: Request) -> Response:
    return answer(identity.answer(settings.profile, request.client and request.client.host))


@get("/healthz")
async def healthz() -> Response:
    return answer({"status": "alive"})


@get("/readyz")
async def readyz() -> Response:
    return answer(
        readiness(upstream=await lesson.upstream_service.ready(), database=await board.database.ready(), cache=await board.cache.ready())
    )


groups = [group.routes for group in (endpoints, lesson, board, chat, summary, *([questions] if settings.profile == "development" else []))]
errors.register(app, groups)
for group in groups:
    app.include_router(group)

refused = refusal(ExampleSettings.read())
application = RequestIdMiddleware(Guarded(app, refused) if refused else app)

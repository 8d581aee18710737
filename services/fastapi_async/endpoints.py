"""The endpoints that wait for nothing: small answers, a computation, a file, bodies, and a socket."""

import hashlib

from fastapi import WebSocket
from fastapi.responses import FileResponse
from web import Request, Response, Routes, answer, query_string

from twogates.demo import static_file
from twogates.demo.greetings import SMALL, greeting
from twogates.demo.models import CpuQuery, Document
from twogates.demo.work import cpu_work
from twogates.http.problems import Problem
from twogates.server.settings import AppSettings

settings = AppSettings.read()
routes = Routes()


@routes.get("/json")
async def small_json() -> Response:
    return answer(SMALL)


@routes.get("/hello/{name}")
async def hello(name: str) -> Response:
    return answer(greeting(name))


@routes.get("/cpu", development_only=True)
async def cpu(request: Request) -> Response:
    query = CpuQuery.read(query_string(request))
    return answer({"work": query.work, "digest": cpu_work(query.work)})


@routes.get("/static/gates.svg")
async def gates() -> Response:
    # FileResponse reads the file in a thread. It would also honour a Range header, but Nginx removes that header.
    return FileResponse(static_file.FILE, media_type=static_file.TYPE, headers={"Accept-Ranges": "none"})


@routes.post("/echo", max_body_size=settings.body_limit)
async def echo(document: Document) -> Response:
    return answer(document.model_dump(mode="json"))


@routes.post("/upload", max_body_size=settings.upload_limit)
async def upload(request: Request) -> Response:
    digest, size = hashlib.sha256(), 0
    async for part in request.stream():
        digest.update(part)
        size += len(part)
    return answer({"bytes": size, "sha256": digest.hexdigest()})


@routes.get("/ws")
async def websocket_without_upgrade() -> Response:
    raise Problem(426, "This path speaks WebSocket.", headers={"Upgrade": "websocket"})


@routes.websocket("/ws")
async def websocket(socket: WebSocket) -> None:
    await socket.accept()
    while (message := await socket.receive())["type"] == "websocket.receive":
        await socket.send({**message, "type": "websocket.send"})

"""The endpoints that wait for nothing: small answers, a computation, a file, bodies, and a socket."""

import hashlib

from asgiref.sync import sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.http import HttpResponse
from django.urls import path
from web import Request, Response, Routes, answer, query_string

from twogates.demo import static_file
from twogates.demo.greetings import SMALL, greeting
from twogates.demo.models import CpuQuery, Document
from twogates.demo.work import cpu_work
from twogates.http.problems import Problem

routes = Routes()


@routes.get("/json")
async def small_json(request: Request) -> Response:
    return answer(SMALL)


@routes.get("/hello/<str:name>")
async def hello(request: Request, name: str) -> Response:
    return answer(greeting(name))


@routes.get("/cpu", development_only=True)
async def cpu(request: Request) -> Response:
    query = CpuQuery.read(query_string(request))
    return answer({"work": query.work, "digest": cpu_work(query.work)})


@routes.get("/static/gates.svg")
async def gates(request: Request) -> Response:
    # Not a FileResponse: under ASGI, Django warns about its synchronous iterator, then reads the whole file in a thread anyway,
    # and sends it in pieces of 4 KiB.
    body = await sync_to_async(static_file.FILE.read_bytes, thread_sensitive=False)()
    return HttpResponse(body, content_type=static_file.TYPE, headers={"Content-Length": len(body)})


@routes.post("/echo")
async def echo(request: Request) -> Response:
    document = Document.read(request.body, request.content_type)
    return answer(document.model_dump(mode="json"))


@routes.post("/upload")
async def upload(request: Request) -> Response:
    # Daphne reads the whole body before this runs. Nginx rejects a body that is larger than this process may hold.
    digest, size = hashlib.sha256(), 0
    while part := request.read(65536):
        digest.update(part)
        size += len(part)
    return answer({"bytes": size, "sha256": digest.hexdigest()})


@routes.get("/ws")
async def websocket_without_upgrade(request: Request) -> Response:
    raise Problem(426, "This path speaks WebSocket.", headers={"Upgrade": "websocket"})


class WebSocket(AsyncWebsocketConsumer):
    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.send(text_data, bytes_data)


sockets = [path("ws", WebSocket.as_asgi())]

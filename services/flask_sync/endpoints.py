"""The endpoints that wait for nothing: small answers, a computation, a file, and bodies."""

import hashlib

from flask import send_file
from web import Response, Routes, answer, body, body_parts, query_string, request

from twogates.demo import static_file
from twogates.demo.greetings import SMALL, greeting
from twogates.demo.models import CpuQuery, Document
from twogates.demo.work import cpu_work
from twogates.http.problems import Problem
from twogates.server.settings import AppSettings

settings = AppSettings.read()
routes = Routes("endpoints", __name__)


@routes.get("/json")
def small_json() -> Response:
    return answer(SMALL)


@routes.get("/hello/<name>")
def hello(name: str) -> Response:
    return answer(greeting(name))


@routes.get("/cpu", development_only=True)
def cpu() -> Response:
    query = CpuQuery.read(query_string(request))
    return answer({"work": query.work, "digest": cpu_work(query.work)})


@routes.get("/static/gates.svg")
def gates() -> Response:
    # Not conditional: the contract leaves 304 and range requests to Nginx. The server sends the file with sendfile.
    answer = send_file(static_file.FILE, conditional=False)
    answer.content_type = static_file.TYPE  # default: with a charset
    return answer


@routes.post("/echo")
def echo() -> Response:
    document = Document.read(body(settings.body_limit), request.content_type)
    return answer(document.model_dump(mode="json"))


@routes.post("/upload")
def upload() -> Response:
    digest, size = hashlib.sha256(), 0
    for part in body_parts(settings.upload_limit):
        digest.update(part)
        size += len(part)
    return answer({"bytes": size, "sha256": digest.hexdigest()})


@routes.get("/ws")
def websocket() -> Response:
    # WSGI has one request and one answer: the application has no access to the connection that a WebSocket needs.
    raise Problem(501, "WSGI cannot speak WebSocket. The services behind /fastapi/ws and /django/ws can.")

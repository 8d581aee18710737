"""Two Gates on Flask: the contract as a WSGI application.

A view is a function, and a worker thread runs one view at a time: while the view waits, its thread waits too.
"""

import hashlib
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import board
import chat
import questions
import summary
from flask import Flask, Response, request, send_file
from web import answer, body, body_parts, problem
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.middleware.proxy_fix import ProxyFix

from server import kind, slots
from twogates.demo import static_file, streams
from twogates.demo.board.access import ExampleSettings, refusal
from twogates.demo.models import BlockQuery, CpuQuery, Document, StreamQuery, UpstreamQuery, WaitQuery
from twogates.demo.settings import UpstreamSettings
from twogates.demo.upstream.blocking import Upstream
from twogates.demo.work import cpu_work
from twogates.http.payloads import SMALL, Identity, greeting
from twogates.http.problems import Problem, method_not_allowed
from twogates.http.readiness import readiness
from twogates.http.wsgi import Guarded, Observed
from twogates.server.settings import AppSettings

settings = AppSettings.read()
identity = Identity("flask", "flask", "WSGI", "gunicorn", kind, slots)
upstream_settings = UpstreamSettings.read()
upstream_service = Upstream(upstream_settings.upstream_url, upstream_settings.upstream_connections)

app = Flask(__name__, static_folder=None)
app.url_map.merge_slashes = False  # default: //json is redirected, where the contract requires a 404
get = partial(app.route, methods=["GET"], provide_automatic_options=False)
post = partial(app.route, methods=["POST"], provide_automatic_options=False)


def demo(path: str) -> Callable[..., Any]:
    """Register a route only in development: it demonstrates a blocked worker, so any client can block a worker with it."""
    return get(path) if settings.profile == "development" else lambda view: view


@get("/")
def index() -> Response:
    return answer(identity.answer(settings.profile, request.remote_addr))


@get("/healthz")
def healthz() -> Response:
    return answer({"status": "alive"})


@get("/readyz")
def readyz() -> Response:
    return answer(readiness(upstream=upstream_service.ready(), database=board.database.ready(), cache=board.cache.ready()))


@get("/json")
def small_json() -> Response:
    return answer(SMALL)


@get("/hello/<name>")
def hello(name: str) -> Response:
    return answer(greeting(name))


@get("/wait")
def wait() -> Response:
    query = WaitQuery.read(request.query_string)
    time.sleep(query.seconds)
    return answer({"waited": query.seconds})


@get("/upstream")
def upstream() -> Response:
    query = UpstreamQuery.read(request.query_string)
    for _ in range(query.calls):
        upstream_service.call(query.seconds)
    return answer({"calls": query.calls, "seconds": query.seconds})


@demo("/cpu")
def cpu() -> Response:
    query = CpuQuery.read(request.query_string)
    return answer({"work": query.work, "digest": cpu_work(query.work)})


@demo("/block")
def block() -> Response:
    query = BlockQuery.read(request.query_string)
    # The same as /wait. Offloading makes no difference: a sync worker would wait for the other thread.
    time.sleep(query.seconds)
    return answer({"blocked": query.seconds})


@get("/stream")
def stream() -> Response:
    query = StreamQuery.read(request.query_string)

    def chunks() -> Iterator[bytes]:
        for number in range(1, query.chunks + 1):
            if number > 1:
                time.sleep(query.interval)
            yield streams.chunk(number, query.chunks)

    return Response(chunks(), content_type=streams.STREAM_TYPE, headers=streams.STREAM_HEADERS)


@get("/events")
def events() -> Response:
    query = StreamQuery.read(request.query_string)
    first = streams.first_event(request.headers.get("Last-Event-ID"))

    def sent() -> Iterator[bytes]:
        for number in range(first, query.chunks + 1):
            if number > first:
                time.sleep(query.interval)
            yield streams.event(number, query.chunks)

    return Response(sent(), content_type=streams.EVENTS_TYPE, headers=streams.STREAM_HEADERS)


@get("/static/gates.svg")
def gates() -> Response:
    # Not conditional: the contract leaves 304 and range requests to Nginx. The server sends the file with sendfile.
    answer = send_file(static_file.FILE, conditional=False)
    answer.content_type = static_file.TYPE  # default: with a charset
    return answer


@post("/echo")
def echo() -> Response:
    document = Document.read(body(settings.body_limit), request.content_type)
    return answer(document.model_dump(mode="json"))


@post("/upload")
def upload() -> Response:
    digest, size = hashlib.sha256(), 0
    for part in body_parts(settings.upload_limit):
        digest.update(part)
        size += len(part)
    return answer({"bytes": size, "sha256": digest.hexdigest()})


@get("/ws")
def websocket() -> Response:
    # WSGI has one request and one answer: the application has no access to the connection that a WebSocket needs.
    raise Problem(501, "WSGI cannot speak WebSocket. The services behind /fastapi/ws and /django/ws can.")


@app.errorhandler(HTTPException)
def framework_error(error: HTTPException) -> Response:
    if isinstance(error, MethodNotAllowed):
        return problem(method_not_allowed(error.valid_methods or ()))
    return problem(Problem(error.code or 500))


app.register_error_handler(Problem, problem)
app.register_blueprint(board.routes)
app.register_blueprint(chat.routes)
app.register_blueprint(summary.routes)
if settings.profile == "development":
    app.register_blueprint(questions.routes)

refused = refusal(ExampleSettings.read())
# There is one proxy in front of the service. Gunicorn does not set the client's address; ProxyFix takes it from Nginx's headers.
application = Observed(ProxyFix(Guarded(app, refused) if refused else app, x_for=1, x_proto=1))

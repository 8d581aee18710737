"""Two Gates on Flask: the contract as a WSGI application.

A view is a function, and a worker thread runs one view at a time: while the view waits, its thread waits too.
"""

from functools import partial

import board
import chat
import endpoints
import lesson
import questions
import summary
from flask import Flask, Response, request
from web import answer, problem
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.middleware.proxy_fix import ProxyFix

from server import kind, slots
from twogates.demo.board.access import ExampleSettings, refusal
from twogates.http.payloads import Identity
from twogates.http.problems import Problem, method_not_allowed
from twogates.http.readiness import readiness
from twogates.http.wsgi import Guarded, RequestIdMiddleware
from twogates.server.settings import AppSettings

settings = AppSettings.read()
identity = Identity("flask", "flask", "WSGI", "gunicorn", kind, slots)

app = Flask(__name__, static_folder=None)
app.url_map.merge_slashes = False  # default: //json is redirected, where the contract requires a 404
get = partial(app.route, methods=["GET"], provide_automatic_options=False)


@get("/")
def index() -> Response:
    return answer(identity.answer(settings.profile, request.remote_addr))


@get("/healthz")
def healthz() -> Response:
    return answer({"status": "alive"})


@get("/readyz")
def readyz() -> Response:
    return answer(readiness(upstream=lesson.upstream_service.ready(), database=board.database.ready(), cache=board.cache.ready()))


@app.errorhandler(HTTPException)
def framework_error(error: HTTPException) -> Response:
    if isinstance(error, MethodNotAllowed):
        return problem(method_not_allowed(error.valid_methods or ()))
    return problem(Problem(error.code or 500))


app.register_error_handler(Problem, problem)
for group in (endpoints, lesson, board, chat, summary, *([questions] if settings.profile == "development" else [])):
    app.register_blueprint(group.routes)

refused = refusal(ExampleSettings.read())
# There is one proxy in front of the service. Gunicorn does not set the client's address; ProxyFix takes it from Nginx's headers.
application = RequestIdMiddleware(ProxyFix(Guarded(app, refused) if refused else app, x_for=1, x_proto=1))

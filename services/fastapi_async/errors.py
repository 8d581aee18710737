"""The contract's answer to each error that FastAPI or Starlette raises."""

from collections.abc import Sequence

from fastapi import APIRouter, FastAPI, Request, Response, WebSocket
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match, Route
from starlette.websockets import WebSocketDisconnect, WebSocketDisconnected
from web import problem

from twogates.http.problems import Problem, invalid, method_not_allowed, too_large
from twogates.server.settings import AppSettings

settings = AppSettings.read()


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


async def gone(request: Request, error: ClientDisconnect) -> Response:
    # The client disconnected during an upload, or Nginx aborted a malformed one. No client receives this answer, but without it
    # the log gets a traceback.
    return await problem(request, Problem(400))


async def left(socket: WebSocket, error: Exception) -> None:
    """Ignore the error: a client disconnected while its socket was accepted, read or written to."""


async def framework_error(request: Request, error: HTTPException) -> Response:
    if error.status_code == 400:  # FastAPI could not read the body for a reason other than its syntax
        return await read_again(request)
    if error.status_code == 405:
        # Starlette lists the methods of one route only, and a path may have several routes.
        routes = (route for route in request.app.state.routes if isinstance(route, Route))
        here = (route for route in routes if route.matches(request.scope)[0] != Match.NONE)
        return await problem(request, method_not_allowed({method for route in here for method in route.methods or ()}))
    if error.status_code == 413:
        limit = settings.upload_limit if request.url.path == "/upload" else settings.body_limit
        return await problem(request, too_large(limit))
    return await problem(request, Problem(error.status_code))


def register(app: FastAPI, groups: Sequence[APIRouter]) -> None:
    """Register the handlers, and the routes of all groups, from which a 405 learns the methods of a path."""
    app.state.routes = [route for router in (app.router, *groups) for route in router.routes]
    app.add_exception_handler(Problem, problem)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, invalid_request)  # type: ignore[arg-type]
    app.add_exception_handler(ClientDisconnect, gone)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, framework_error)  # type: ignore[arg-type]
    app.add_exception_handler(WebSocketDisconnect, left)
    app.add_exception_handler(WebSocketDisconnected, left)

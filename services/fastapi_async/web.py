"""Read FastAPI's requests, and build its responses from the shared answers and problems."""

from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from twogates.http.payloads import STREAM_HEADERS, Reply, encode
from twogates.http.problems import MEDIA_TYPE, Problem
from twogates.server.settings import AppSettings

__all__ = ["Request", "Response"]
settings = AppSettings.read()
View = TypeVar("View", bound=Callable[..., Any])


class Routes(APIRouter):
    """A group of views."""

    def get(self, path: str, development_only: bool = False) -> Callable[[View], View]:  # type: ignore[override]
        """Register a view for GET and HEAD. With ``development_only``, production has no such path."""
        if development_only and settings.profile != "development":
            return lambda view: view
        return self.api_route(path, methods=["GET", "HEAD"])

    def post(self, path: str, max_body_size: int) -> Callable[[View], View]:  # type: ignore[override]
        """Register a view for POST with a body of at most ``max_body_size`` bytes."""
        return self.api_route(path, methods=["POST"], max_body_size=max_body_size)


def query_string(request: Request) -> bytes:
    """Return the raw query string."""
    query: bytes = request.scope["query_string"]
    return query


def answer(data: object) -> Response:
    # Return a Response, not the data: FastAPI's own JSON encoding is made for models, and costs more than the view.
    return Response(encode(data), media_type="application/json")


def streamed(parts: AsyncIterator[bytes], content_type: str) -> Response:
    # As a header: Starlette adds a charset to a media type of text.
    return StreamingResponse(parts, headers={**STREAM_HEADERS, "Content-Type": content_type})


def reply(reply: Reply) -> Response:
    return Response(reply.body, reply.status, reply.headers, media_type="application/json" if reply.body else None)


def header(request: Request, name: str) -> str | None:
    """Return a header, or ``None``. Join repeated headers with commas, as other frameworks do; Starlette's ``get`` returns the first."""
    values = request.headers.getlist(name)
    return ",".join(values) if values else None


async def problem(request: Request, error: Problem) -> Response:
    return Response(error.body, status_code=error.status, media_type=MEDIA_TYPE, headers=error.headers)

"""Read Flask's requests, and build its responses from the shared answers and problems."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from flask import Blueprint, Request, Response, request

from twogates.http.payloads import STREAM_HEADERS, Reply, encode
from twogates.http.problems import MEDIA_TYPE, Problem, too_large
from twogates.server.settings import AppSettings

__all__ = ["Request", "Response", "request"]
settings = AppSettings.read()
View = TypeVar("View", bound=Callable[..., Any])


class Routes(Blueprint):
    """A group of views. Flask adds HEAD to GET."""

    def get(self, rule: str, development_only: bool = False, **options: Any) -> Callable[[View], View]:
        """Register a view for GET. With ``development_only``, production has no such path."""
        if development_only and settings.profile != "development":
            return lambda view: view
        return self.route(rule, methods=["GET"], provide_automatic_options=False, **options)

    def post(self, rule: str, **options: Any) -> Callable[[View], View]:
        """Register a view for POST."""
        return self.route(rule, methods=["POST"], provide_automatic_options=False, **options)


def query_string(request: Request) -> bytes:
    """Return the raw query string."""
    return request.query_string


def answer(data: object) -> Response:
    return Response(encode(data), content_type="application/json")


def streamed(parts: Iterator[bytes], content_type: str) -> Response:
    return Response(parts, content_type=content_type, headers=STREAM_HEADERS)


def reply(reply: Reply) -> Response:
    response = Response(reply.body, status=reply.status, headers=reply.headers, content_type="application/json")
    if not reply.body:
        del response.headers["Content-Type"]
    return response


def problem(error: Problem) -> Response:
    return Response(error.body, status=error.status, content_type=MEDIA_TYPE, headers=error.headers)


def body(limit: int) -> bytes:
    return b"".join(body_parts(limit))


def body_parts(limit: int) -> Iterator[bytes]:
    """Yield the body in pieces. Raises the 413 answer above ``limit`` bytes.

    MAX_CONTENT_LENGTH would truncate a body without a Content-Length and continue with that part. It also rejects an
    upload of exactly the limit.
    """
    if (request.content_length or 0) > limit:
        raise too_large(limit)
    size = 0
    while part := read():
        size += len(part)
        if size > limit:
            raise too_large(limit)
        yield part


def read() -> bytes:
    """Return the next piece of the body, or empty bytes at its end."""
    try:
        return request.stream.read(65536)
    except OSError as error:  # the client has disconnected; without an answer, the log gets a traceback
        raise Problem(400) from error

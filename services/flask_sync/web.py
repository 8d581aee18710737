"""Read Flask's requests, and build its responses from the shared answers and problems."""

from collections.abc import Iterator

from flask import Response, request

from twogates.demo.board.documents import Reply
from twogates.http.payloads import encode
from twogates.http.problems import MEDIA_TYPE, Problem, too_large


def answer(data: object) -> Response:
    return Response(encode(data), content_type="application/json")


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

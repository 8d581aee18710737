"""Read FastAPI's requests, and build its responses from the shared answers and problems."""

from fastapi import Request, Response

from twogates.demo.board.documents import Reply
from twogates.http.payloads import encode
from twogates.http.problems import MEDIA_TYPE, Problem


def answer(data: object) -> Response:
    # Return a Response, not the data: FastAPI's own JSON encoding is made for models, and costs more than the view.
    return Response(encode(data), media_type="application/json")


def reply(reply: Reply) -> Response:
    return Response(reply.body, reply.status, reply.headers, media_type="application/json" if reply.body else None)


def header(request: Request, name: str) -> str | None:
    """Return a header, or ``None``. Join repeated headers with commas, as other frameworks do; Starlette's ``get`` returns the first."""
    values = request.headers.getlist(name)
    return ",".join(values) if values else None


async def problem(request: Request, error: Problem) -> Response:
    return Response(error.body, status_code=error.status, media_type=MEDIA_TYPE, headers=error.headers)

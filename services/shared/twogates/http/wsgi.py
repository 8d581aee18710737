"""Request id and timing around any WSGI callable. Compare asgi.py, which does the same for ASGI."""

import logging
import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from time import perf_counter
from typing import Any

from twogates.http import counters
from twogates.http.context import REQUEST_ID, REQUEST_STARTED, new_request_id, server_timing
from twogates.http.problems import MEDIA_TYPE, Problem

Application = Callable[..., Iterable[bytes]]
# From the method, the path and the Authorization header: the answer that rejects a request, ``None`` if it may pass.
Refusal = Callable[[str, str, bytes], Problem | None]

log = logging.getLogger(__name__)

LAST_DATA = struct.Struct("@52xI")  # tcpi_last_data_recv of Linux's struct tcp_info, in milliseconds


class RequestIdMiddleware:
    """WSGI middleware that reads or creates ``X-Request-ID``, returns it in the response, and adds ``Server-Timing``."""

    def __init__(self, app: Application) -> None:
        self.app = MetricsMiddleware(app) if counters.wanted() else app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        started = perf_counter()
        REQUEST_STARTED.set(started - in_line(environ))
        request_id = environ.get("HTTP_X_REQUEST_ID") or new_request_id()
        REQUEST_ID.set(request_id)
        # For a comparison with Nginx's log: each request must appear in both, exactly once.
        log.debug("received %s %s", environ["REQUEST_METHOD"], path_of(environ))

        def observed_start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            headers = [*headers, ("X-Request-ID", request_id), ("Server-Timing", server_timing(started))]
            return start_response(status, headers, exc_info)

        return self.app(environ, observed_start)


def path_of(environ: dict[str, Any]) -> str:
    """Return the path below SCRIPT_NAME. A server may omit PATH_INFO if it is empty (PEP 3333)."""
    return str(environ.get("PATH_INFO", ""))


def in_line(environ: dict[str, Any]) -> float:
    """Return the seconds that a request waited for a worker: the time since the kernel last received data on its connection."""
    if not (connection := environ.get("gunicorn.socket")) or not hasattr(socket, "TCP_INFO"):
        return 0.0
    with suppress(OSError, struct.error):  # not a TCP connection
        return float(LAST_DATA.unpack_from(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104))[0]) / 1000
    return 0.0


class Guarded:
    """WSGI middleware that checks whether a request may pass."""

    def __init__(self, app: Application, refusal: Refusal) -> None:
        self.app, self.refusal = app, refusal

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        method, authorization = environ["REQUEST_METHOD"], environ.get("HTTP_AUTHORIZATION", "").encode("latin-1")
        problem = self.refusal(method, path_of(environ), authorization)
        if problem is None:
            return self.app(environ, start_response)
        headers = {**problem.headers, "Content-Type": MEDIA_TYPE, "Content-Length": str(len(problem.body))}
        start_response(f"{problem.status} {problem.title}", list(headers.items()))
        return [] if method == "HEAD" else [problem.body]


class MetricsMiddleware:
    """WSGI middleware that counts a request from the call until the server closes the response."""

    def __init__(self, app: Application) -> None:
        self.app = app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if path_of(environ) in counters.HEALTH_CHECKS:
            return self.app(environ, start_response)
        counts = counters.own()
        counts.begin()
        with ExitStack() as stack:
            stack.callback(counts.finish)
            answer: Any = self.app(environ, start_response)
            if hasattr(answer, "close"):
                stack.callback(answer.close)
            finish = stack.pop_all().close  # a second call does nothing
        if is_file(answer, environ):
            answer.close = finish  # keep the file wrapper: the server sends it with sendfile
            return answer  # type: ignore[no-any-return]
        return Closing(answer, finish)


def is_file(answer: object, environ: dict[str, Any]) -> bool:
    """Return True if a response is a file in the server's own wrapper (PEP 3333), which need not be a class."""
    wrapper = environ.get("wsgi.file_wrapper")
    return isinstance(wrapper, type) and isinstance(answer, wrapper)


class Closing:
    """The chunks of a response, and a function that the server calls when it closes the response."""

    def __init__(self, pieces: Iterable[bytes], close: Callable[[], None]) -> None:
        self.pieces = pieces
        self.close = close

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.pieces)

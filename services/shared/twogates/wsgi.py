"""Request id and timing around any WSGI callable. Compare asgi.py: the same for the other gate."""

from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Any

from twogates.context import REQUEST_ID, new_request_id, server_timing


class Observed:
    """WSGI middleware: takes or makes ``X-Request-ID``, echoes it, and adds ``Server-Timing``."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self.app = app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        started = perf_counter()
        request_id = environ.get("HTTP_X_REQUEST_ID") or new_request_id()
        REQUEST_ID.set(request_id)

        def observed_start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            headers = [*headers, ("X-Request-ID", request_id), ("Server-Timing", server_timing(started))]
            return start_response(status, headers, exc_info)

        return self.app(environ, observed_start)

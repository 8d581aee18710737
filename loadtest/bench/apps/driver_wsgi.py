"""One query per request on WSGI, without a framework, ORM or pool: the cost of the driver."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import psycopg
from driver import OPTIONS, document, query  # type: ignore[import-not-found]  # the server runs in this folder


@cache
def connection() -> psycopg.Connection[Any]:
    """Return the process's only connection."""
    return psycopg.connect(**OPTIONS)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    rows = connection().execute(*query(path)).fetchall() if path != "/json" else []
    body = document(path, rows) if rows else b"{}"
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]

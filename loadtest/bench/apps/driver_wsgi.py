"""A query and its answer on WSGI without a framework, ORM or pool: what the driver costs."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import psycopg
from driver import OPTIONS, document, query  # type: ignore[import-not-found]  # beside it, where the server runs


@cache
def connection() -> psycopg.Connection[Any]:
    """The process's one."""
    return psycopg.connect(**OPTIONS)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    rows = connection().execute(*query(path)).fetchall() if path != "/json" else []
    body = document(path, rows) if rows else b"{}"
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]

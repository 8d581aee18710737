"""One query per request on ASGI, without a framework, ORM or pool: the cost of the driver."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
from driver import OPTIONS, document, query  # type: ignore[import-not-found]  # the server runs in this folder

lock = asyncio.Lock()
connections: list[psycopg.AsyncConnection[Any]] = []


async def connection() -> psycopg.AsyncConnection[Any]:
    """Return the process's only connection. psycopg's own lock serialises its queries."""
    async with lock:
        if not connections:
            connections.append(await psycopg.AsyncConnection.connect(**OPTIONS))
    return connections[0]


async def application(scope: dict[str, Any], receive: Any, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:  # noqa: ARG001  ASGI's signature
    assert scope["type"] == "http"
    path = scope["path"]
    body = b"{}"
    if path != "/json":
        found = await (await connection()).execute(*query(path))
        body = document(path, await found.fetchall())
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})

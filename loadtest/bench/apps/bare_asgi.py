"""The smallest ASGI application that answers: the cost of the server alone."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

SMALL = {"message": "Hello, World!", "numbers": [1, 2, 3], "nested": {"ok": True, "nothing": None}}


async def application(scope: dict[str, Any], receive: Any, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:  # noqa: ARG001  ASGI's signature
    assert scope["type"] == "http"
    body = json.dumps(SMALL).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})

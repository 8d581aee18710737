"""The smallest WSGI application that answers: the cost of the server alone."""

import json
from collections.abc import Callable, Iterable
from typing import Any

SMALL = {"message": "Hello, World!", "numbers": [1, 2, 3], "nested": {"ok": True, "nothing": None}}


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:  # noqa: ARG001  WSGI's signature
    body = json.dumps(SMALL).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]

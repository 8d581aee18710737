"""A request for every status in the contract, as arguments of a schemathesis case. Each test fills in the names in braces."""

import re
from typing import Any

DOCUMENT = {
    "id": "7b0bdb8e-2f3c-4d7b-9d4f-0c9a5f1f2a11",
    "title": "t",
    "created": "2026-01-01T00:00:00Z",
    "items": [{"name": "n", "quantity": 1, "price": 2.5}],
}
JSON = {"Content-Type": "application/json"}
NOT_JSON = {"Content-Type": "text/plain"}
LARGE = b" " * 10_000_000
Known = tuple[str, str, int, dict[str, Any]]

EVERYWHERE: list[Known] = [
    ("GET", "/", 200, {}),
    ("GET", "/healthz", 200, {}),
    ("GET", "/readyz", 200, {}),
    ("GET", "/json", 200, {}),
    ("GET", "/hello/{name}", 200, {"path_parameters": {"name": "Grüße \U0001f6aa"}}),
    ("GET", "/hello/{name}", 400, {"path_parameters": {"name": "a\x00"}}),
    ("GET", "/hello/{name}", 404, {"path_parameters": {"name": "a/b"}}),
    ("GET", "/wait", 200, {"query": {"seconds": 0.01}}),
    ("GET", "/wait", 422, {"query": {"seconds": 31}}),
    ("GET", "/wait", 422, {"query": {}}),
    ("GET", "/upstream", 200, {"query": {"seconds": 0, "calls": 20}}),
    ("GET", "/upstream", 422, {"query": {"seconds": 20, "calls": 20}}),
    ("GET", "/cpu", 200, {"query": {"work": 1}}),
    ("GET", "/cpu", 422, {"query": {"work": "much"}}),
    ("GET", "/block", 200, {"query": {"seconds": 0}}),
    ("GET", "/block", 200, {"query": {"seconds": 0, "offload": "true"}}),
    ("GET", "/block", 422, {"query": {"seconds": "nan"}}),
    ("GET", "/block", 422, {"query": {"seconds": 0, "offload": "1"}}),
    ("GET", "/query", 200, {"query": {"seconds": 0.01, "calls": 20, "work": 5}}),
    ("GET", "/query", 422, {"query": {"seconds": 0.3, "calls": 2}}),
    ("GET", "/listing", 200, {"query": {"board": 1, "how": "each"}}),
    ("GET", "/listing", 422, {"query": {"board": 0}}),
    ("GET", "/stream", 200, {"query": {"chunks": 2, "interval": 0}}),
    ("GET", "/stream", 422, {"query": {"chunks": 0, "more": 1}}),
    ("GET", "/events", 200, {"query": {"chunks": 2, "interval": 0}, "headers": {"Last-Event-ID": "1"}}),
    ("GET", "/events", 422, {"query": {"chunks": 2}, "headers": {"Last-Event-ID": "x"}}),
    ("GET", "/static/gates.svg", 200, {}),
    ("GET", "/cache", 200, {}),
    ("POST", "/echo", 200, {"body": DOCUMENT, "media_type": "application/json"}),
    ("POST", "/echo", 400, {"body": b"{", "headers": JSON}),
    ("POST", "/echo", 413, {"body": LARGE, "headers": JSON}),
    ("POST", "/echo", 415, {"body": b"{}", "headers": NOT_JSON}),
    ("POST", "/echo", 422, {"body": {**DOCUMENT, "items": [{}], "more": 1}, "media_type": "application/json"}),
    ("POST", "/upload", 200, {"body": b"\x00\xff", "headers": {"Content-Type": "application/octet-stream"}}),
    ("GET", "/ws", 426, {}),
]

# A board with a message, and an id that no longer exists.
BOARD = {"path_parameters": {"board": "{board}"}}
MESSAGE = {"path_parameters": {"board": "{board}", "message": "{message}"}}
NO_BOARD = {"path_parameters": {"board": "{gone}"}}
NO_MESSAGE = {"path_parameters": {"board": "{board}", "message": "{gone}"}}
SEEN, UNSEEN = {"If-Match": '"1"'}, {"If-Match": '"7"'}


def board_body(name: str) -> dict[str, Any]:
    return {"body": {"name": name}, "media_type": "application/json"}


POSTED = {"body": {"author": "Ada", "text": "Gr\u00fc\u00dfe \U0001f6aa"}, "media_type": "application/json"}
EDITED = {"body": {"text": "Another text"}, "media_type": "application/json"}


def wrong_bodies(method: str, path: str, parts: dict[str, Any]) -> list[Known]:
    """Requests with every kind of rejected body."""
    return [
        (method, path, 400, {**parts, "body": b"{", "headers": {**JSON, **SEEN}}),
        (method, path, 413, {**parts, "body": LARGE, "headers": {**JSON, **SEEN}}),
        (method, path, 415, {**parts, "body": b"{}", "headers": {**NOT_JSON, **SEEN}}),
        (method, path, 422, {**parts, "body": {"more": 1}, "media_type": "application/json", "headers": SEEN}),
    ]


LIST, ONE = "/boards/{board}/messages", "/boards/{board}/messages/{message}"
ON_BOARDS: list[Known] = [
    ("GET", "/boards", 200, {"query": {"limit": 100, "after": 0}}),
    ("GET", "/boards", 422, {"query": {"limit": 101}}),
    ("POST", "/boards", 201, {**board_body("{new}"), "headers": {"Idempotency-Key": "{new}"}}),
    ("POST", "/boards", 409, board_body("{taken}")),
    *wrong_bodies("POST", "/boards", {}),
    ("GET", "/boards/{board}", 200, BOARD),
    ("GET", "/boards/{board}", 304, {**BOARD, "headers": {"If-None-Match": 'W/"1"'}}),
    ("GET", "/boards/{board}", 404, NO_BOARD),
    ("PUT", "/boards/{board}", 200, {**BOARD, **board_body("{new}"), "headers": SEEN}),
    ("PUT", "/boards/{board}", 404, {**NO_BOARD, **board_body("{new}"), "headers": SEEN}),
    ("PUT", "/boards/{board}", 409, {**BOARD, **board_body("{taken}"), "headers": SEEN}),
    ("PUT", "/boards/{board}", 412, {**BOARD, **board_body("{new}"), "headers": UNSEEN}),
    ("PUT", "/boards/{board}", 428, {**BOARD, **board_body("{new}")}),
    *wrong_bodies("PUT", "/boards/{board}", BOARD),
    ("DELETE", "/boards/{board}", 204, {**BOARD, "headers": SEEN}),
    ("DELETE", "/boards/{board}", 404, {**NO_BOARD, "headers": SEEN}),
    ("DELETE", "/boards/{board}", 412, {**BOARD, "headers": UNSEEN}),
    ("DELETE", "/boards/{board}", 428, BOARD),
    ("GET", LIST, 200, {**BOARD, "query": {"limit": 1, "search": "notice first"}}),
    ("GET", LIST, 404, NO_BOARD),
    ("GET", LIST, 422, {**BOARD, "query": {"search": ""}}),
    ("POST", LIST, 201, {**BOARD, **POSTED, "headers": {"Idempotency-Key": '"{new}"'}}),
    ("POST", LIST, 404, {**NO_BOARD, **POSTED}),
    *wrong_bodies("POST", LIST, BOARD),
    ("GET", ONE, 200, MESSAGE),
    ("GET", ONE, 304, {**MESSAGE, "headers": {"If-None-Match": "*"}}),
    ("GET", ONE, 404, NO_MESSAGE),
    ("PUT", ONE, 200, {**MESSAGE, **EDITED, "headers": SEEN}),
    ("PUT", ONE, 404, {**NO_MESSAGE, **EDITED, "headers": SEEN}),
    ("PUT", ONE, 412, {**MESSAGE, **EDITED, "headers": UNSEEN}),
    ("PUT", ONE, 428, {**MESSAGE, **EDITED}),
    *wrong_bodies("PUT", ONE, MESSAGE),
    ("DELETE", ONE, 204, {**MESSAGE, "headers": {"If-Match": "*"}}),
    ("DELETE", ONE, 404, {**NO_MESSAGE, "headers": SEEN}),
    ("DELETE", ONE, 412, {**MESSAGE, "headers": UNSEEN}),
    ("DELETE", ONE, 428, MESSAGE),
    ("GET", "/boards/{board}/chat", 426, BOARD),
    ("GET", "/boards/{board}/chat", 404, {"path_parameters": {"board": "0"}}),
    ("GET", "/boards/{board}/feed", 404, NO_BOARD),
    ("GET", "/boards/{board}/feed", 422, {**BOARD, "headers": {"Last-Event-ID": "x"}}),
    ("GET", "/boards/{board}/summary", 200, BOARD),
    ("GET", "/boards/{board}/summary", 404, NO_BOARD),
    ("GET", "/mentions", 200, {"query": {"name": "Ada", "limit": 1}}),
    ("GET", "/mentions", 422, {"query": {"limit": 1}}),
]
KNOWN = EVERYWHERE + ON_BOARDS


def filled(parts: Any, values: dict[str, Any]) -> Any:
    """Return a copy in which this test's values replace the names in braces."""
    if isinstance(parts, dict):
        return {name: filled(part, values) for name, part in parts.items()}
    if isinstance(parts, list):
        return [filled(part, values) for part in parts]
    if isinstance(parts, str) and (found := re.search(r"\{(\w+)\}", parts)) and found[1] in values:
        return parts.replace(found[0], values[found[1]])
    return parts

"""The ASGI counterpart of ``wsgiref.validate``: checks both sides of an ASGI callable against the specification (asgi.readthedocs.io).

``asgiref.testing`` only carries messages, and no maintained library checks them.
"""

from typing import Any

from twogates.http.asgi import Application, Message, Receive, Send

# Required keys and their types, by type of scope.
REQUIRED: dict[str, dict[str, type]] = {
    "http": {"asgi": dict, "http_version": str, "method": str, "path": str, "query_string": bytes, "headers": list},
    "websocket": {"asgi": dict, "path": str, "headers": list},
    "lifespan": {"asgi": dict},
}
# Allowed next messages, by type of scope and last message ("" at first). Only ``more_body`` may be followed by more of the body.
ORDER = {
    "http": {"": {"http.response.start"}, "http.response.start": {"http.response.body"}, "more": {"http.response.body"}, "end": set()},
    "websocket": {
        "": {"websocket.accept", "websocket.close"},
        "websocket.accept": {"websocket.send", "websocket.close"},
        "websocket.send": {"websocket.send", "websocket.close"},
        "websocket.close": set(),
    },
}
PLAIN = (bytes, str, int, float, bool, type(None))


def plain(value: object) -> bool:
    """Return whether a message may hold this value: no library objects, and no iterators, which a middleware would consume."""
    if isinstance(value, dict):
        return all(isinstance(name, str) and plain(one) for name, one in value.items())
    return all(map(plain, value)) if isinstance(value, list | tuple) else isinstance(value, PLAIN)


def check_headers(headers: Any, asked: bool = False) -> None:
    """Check headers. Only request headers must be lower case: Django's response headers are not, and a server must send them anyway."""
    for name, value in headers:
        assert isinstance(name, bytes), name
        assert isinstance(value, bytes), value
        assert not name.startswith(b":"), name
        assert not asked or name == name.lower(), name


def check_scope(scope: Message) -> None:
    """Check the scope that the server, or the outer middleware, passes in."""
    for name, kind in REQUIRED[scope["type"]].items():
        assert isinstance(scope[name], kind), f"{name}: {scope.get(name)!r}"
    assert isinstance(scope["asgi"]["version"], str)
    check_headers(scope.get("headers", ()), asked=True)
    assert str(scope.get("method", "GET")).isupper()


def check_sent(kind: str, before: str, message: Message) -> str:
    """Check a message from the application, or from the inner middleware. Return the state to pass as ``before`` for the next message."""
    name = message["type"]
    assert plain(message), message
    assert name in ORDER[kind][before], f"{name} after {before or 'nothing'}"
    if name in ("http.response.start", "websocket.accept"):
        check_headers(message.get("headers", ()))
    if name == "http.response.start":
        assert isinstance(message["status"], int)
    if name == "websocket.send":
        assert (message.get("text") is None) != (message.get("bytes") is None), message
    if name == "http.response.body":
        assert isinstance(message.get("body", b""), bytes)
        return "more" if message.get("more_body") else "end"
    return str(name)


def validator(app: Application) -> Application:
    """Wrap ``app`` so that every breach of the specification, by ``app`` or by its caller, raises AssertionError."""

    async def validated(scope: Message, receive: Receive, send: Send) -> None:
        check_scope(scope)
        kind, last = scope["type"], ""

        async def checked_receive() -> Message:
            message = await receive()
            assert plain(message), message
            assert message["type"].startswith(f"{kind}."), message
            return message

        async def checked_send(message: Message) -> None:
            nonlocal last
            last = check_sent(kind, last, message) if kind in ORDER else ""
            await send(message)

        await app(scope, checked_receive, checked_send)
        assert kind != "http" or last == "end", f"no whole answer; the last message: {last or 'none'}"

    return validated

"""Daphne's WebSockets, with a close code that reaches the client. Compare fastapi_async/sockets.py, which does the same for Uvicorn."""

from typing import Any

from daphne.server import reactor
from daphne.ws_protocol import WebSocketProtocol

# A client that violated the protocol may still be sending when it gets the close frame. Its data is dropped until it pauses for this
# long or closes. Closing with unread data would reset the connection and lose the code.
QUIET_SECONDS = 1.0
# Time for a client to read up to the close frame, and the longest time for which its data is dropped. Default 1: a slow client would be
# disconnected before it reads the reason.
CLOSING_SECONDS = 20.0
# Options of the WebSocket factory. failByDrop: send a close frame to a client that violated the protocol. Default: reset its connection
# at once. allowNullOrigin: the same value as Daphne sets. A call without it would reject an origin that Nginx allows
# (socket_origins.conf.template).
OPTIONS = {"closeHandshakeTimeout": CLOSING_SECONDS, "failByDrop": False, "allowNullOrigin": True}


class SocketProtocol(WebSocketProtocol):
    """Daphne's protocol class. It closes a connection only after the client had time to read the reason."""

    quiet_timer: Any = None

    def _fail_connection(self, *arguments: Any, **options: Any) -> None:
        super()._fail_connection(*arguments, **options)
        if self.state == self.STATE_CLOSING:
            self.drop_until_quiet()

    def _protocol_violation(self, reason: str) -> bool:
        super()._protocol_violation(reason)
        return True  # parse no further

    def _invalid_payload(self, reason: str) -> bool:
        super()._invalid_payload(reason)
        return True

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        if self.quiet_timer:
            self.drop_until_quiet()
        else:
            super().dataReceived(data)

    def drop_until_quiet(self) -> None:
        """Close the connection when no data has arrived for ``QUIET_SECONDS``."""
        if self.quiet_timer and self.quiet_timer.active():
            self.quiet_timer.cancel()
        self.quiet_timer = reactor.callLater(QUIET_SECONDS, self.dropConnection)

    def dropConnection(self, abort: bool = False) -> None:  # noqa: N802
        """Close. Autobahn resets the connection even after a complete closing handshake, which would discard a close frame not sent yet."""
        super().dropConnection(abort=abort and not self.wasClean)

    def connectionLost(self, *reason: Any) -> None:  # noqa: N802
        if self.quiet_timer and self.quiet_timer.active():
            self.quiet_timer.cancel()
        super().connectionLost(*reason)

"""Daphne's WebSockets with an end that their client hears of. Compare Uvicorn's, sockets.py of FastAPI."""

from typing import Any

from daphne.server import reactor
from daphne.ws_protocol import WebSocketProtocol

# A client that broke the rules may still be sending when it is told so. What it sends is dropped until it pauses for this long, or
# until it closes. A connection that is closed with unread data is reset, and the code lost.
QUIET_SECONDS = 1.0
# Time for a client to read up to a close frame, and the most for what is dropped. Default 1: a slow one would be cut off before it
# reads why.
CLOSING_SECONDS = 20.0
# For the factory. failByDrop: send a close frame to a client that broke the rules; default, reset its connection at once.
# allowNullOrigin: as Daphne has set it; a call without it forbids what Nginx has allowed (socket_origins.conf.template).
OPTIONS = {"closeHandshakeTimeout": CLOSING_SECONDS, "failByDrop": False, "allowNullOrigin": True}


class SocketProtocol(WebSocketProtocol):
    """Daphne's own, which closes a connection when its client has had time to read why."""

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
        """Close when nothing has come for a moment."""
        if self.quiet_timer and self.quiet_timer.active():
            self.quiet_timer.cancel()
        self.quiet_timer = reactor.callLater(QUIET_SECONDS, self.dropConnection)

    def dropConnection(self, abort: bool = False) -> None:  # noqa: N802
        """Close. Autobahn resets after a whole closing handshake, and with it takes back a close frame that is not sent yet."""
        super().dropConnection(abort=abort and not self.wasClean)

    def connectionLost(self, *reason: Any) -> None:  # noqa: N802
        if self.quiet_timer and self.quiet_timer.active():
            self.quiet_timer.cancel()
        super().connectionLost(*reason)

"""Uvicorn's HTTP protocol with a shutdown that loses no request on idle connections."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from twogates.server import shutdown

# After the signal to stop, an idle connection stays usable for this many seconds.
LINGER_SECONDS = 1.0


class LingeringProtocol(HttpToolsProtocol):
    """A connection that closes after its next response, or after ``LINGER_SECONDS`` without a request.

    Uvicorn's own protocol closes idle connections at the signal to stop. Nginx keeps connections open and may have just sent a
    request on one of them. It then retries a GET on another replica, and the client of a POST sees a 502.
    """

    leaving = False

    def shutdown(self) -> None:
        shutdown.leave()
        if self.leaving or (self.cycle is not None and not self.cycle.response_complete):
            super().shutdown()
            return
        self.leaving = True
        self.loop.call_later(LINGER_SECONDS, self.shutdown)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        if self.leaving and self.cycle is not None:  # None for a WebSocket
            self.cycle.default_headers = [*self.cycle.default_headers, (b"connection", b"close")]

    def handle_websocket_upgrade(self) -> None:
        if self.leaving:  # it would open too late for the close code that makes it reconnect; Nginx tries another replica
            self.transport.close()
            return
        super().handle_websocket_upgrade()
        del self.parser  # breaks the reference cycle with this finished protocol, which only the garbage collector would free

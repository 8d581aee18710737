"""Uvicorn's HTTP with an end for idle connections that loses no request."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from twogates.server import shutdown as leaving

# So long a connection that was idle when the server was told to stop may still be used.
LINGER_SECONDS = 1.0


class LingeringProtocol(HttpToolsProtocol):
    """A connection that ends with its next answer, or after a moment in which nobody used it.

    Uvicorn's own closes idle connections as soon as it is told to stop. Nginx keeps connections, and may have just sent a
    request on one of them: a GET is sent to another replica then, and the client of a POST sees a 502.
    """

    leaving = False

    def shutdown(self) -> None:
        leaving.leave()
        if self.leaving or (self.cycle is not None and not self.cycle.response_complete):
            super().shutdown()
            return
        self.leaving = True
        self.loop.call_later(LINGER_SECONDS, self.shutdown)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        if self.leaving and self.cycle is not None:  # none: a WebSocket
            self.cycle.default_headers = [*self.cycle.default_headers, (b"connection", b"close")]

    def handle_websocket_upgrade(self) -> None:
        if self.leaving:  # it would open too late to be told to come back; Nginx asks another replica
            self.transport.close()
            return
        super().handle_websocket_upgrade()
        del self.parser  # it holds this protocol, which is done: nothing but a collection of garbage would end the two

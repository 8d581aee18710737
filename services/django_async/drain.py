"""Daphne with a graceful stop. Its own cancels every request in flight as soon as SIGTERM comes."""

import logging
import signal
import time
from typing import Any

from daphne.server import Server, reactor
from daphne.ws_protocol import WebSocketProtocol

log = logging.getLogger(__name__)

# So long does a stopping process at least refuse connections before it is gone. Where a connection is refused, Nginx tries
# another replica at once and leaves this one alone; on an address that is gone it waits for its connect time-out.
REFUSING_SECONDS = 1.0
POLL_SECONDS = 0.1
SERVICE_RESTART = 1012  # the close code that tells a WebSocket client to come back


class DrainingServer(Server):
    """On SIGTERM: accept nothing more, close WebSockets, finish what is in flight within ``drain_seconds``, then stop."""

    drain_seconds = 30.0

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.ports: list[Any] = []
        self.draining_since: float | None = None

    def run(self) -> None:
        # After Twisted has installed its own handlers. The handler only passes the call on: it interrupts any code.
        reactor.callWhenRunning(signal.signal, signal.SIGTERM, lambda *_: reactor.callFromThread(self.drain))
        super().run()

    def listen_success(self, port: Any) -> None:
        self.ports.append(port)
        super().listen_success(port)

    def drain(self) -> None:
        """Begin to stop; a second signal changes nothing."""
        if self.draining_since is not None:
            return
        self.draining_since = time.monotonic()
        log.info("stopping: %d requests in flight", self.in_flight())
        for port in self.ports:
            port.stopListening()
        self.stop_when_done(self.draining_since)

    def stop_when_done(self, since: float) -> None:
        """Stop when nothing is in flight any more, or the time is over."""
        # Again and again: a client that comes back at once may be sent here once more, by a connection that Nginx has kept.
        self.close_sockets()
        passed = time.monotonic() - since
        if passed < REFUSING_SECONDS or (self.in_flight() and passed < self.drain_seconds):
            reactor.callLater(POLL_SECONDS, self.stop_when_done, since)
            return
        log.info("stopped after %.1f s: %d requests cut off", passed, self.in_flight())
        reactor.stop()

    def close_sockets(self) -> None:
        """Tell every WebSocket to come back; the library leaves alone those that were told."""
        for protocol in list(self.connections):
            if isinstance(protocol, WebSocketProtocol) and protocol.state == protocol.STATE_OPEN:
                protocol.sendCloseFrame(code=SERVICE_RESTART)

    def in_flight(self) -> int:
        """How many requests and WebSockets an application is at work on."""
        details = self.connections.values()
        return sum("disconnected" not in d and "application_instance" in d and not d["application_instance"].done() for d in details)

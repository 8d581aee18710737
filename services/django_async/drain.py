"""Daphne with a graceful shutdown. Without it, Daphne cancels every request in flight as soon as it gets SIGTERM."""

import asyncio
import gc
import logging
import signal
import time
from functools import partial
from typing import Any

from daphne.server import Server, reactor
from daphne.ws_protocol import WebSocketProtocol
from sockets import OPTIONS, SocketProtocol

from twogates.http.frames import EXTENSION
from twogates.server import shutdown

log = logging.getLogger(__name__)

# A process that shuts down refuses connections for at least this long before it exits. When a connection is refused, Nginx tries another
# replica at once and avoids this one. When the address no longer exists, Nginx waits for its connect time-out.
REFUSING_SECONDS = 1.0
POLL_SECONDS = 0.1
FIRST_PAUSE_SECONDS = 0.001  # between two checks whether a client reads again; doubles after each check
GONE = {"disconnected": 0.0}
SERVICE_RESTART = 1012  # the close code that tells a WebSocket client to reconnect


class DrainingServer(Server):
    """On SIGTERM: stop accepting connections, close WebSockets, finish the requests in flight within ``drain_seconds``, then stop."""

    drain_seconds = 30.0
    keepalive_seconds = 60.0

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.ports: list[Any] = []
        self.draining_since: float | None = None

    def run(self) -> None:
        # After Twisted has installed its own handlers. A signal may interrupt any code, so the handler only passes the call to the reactor.
        reactor.callWhenRunning(signal.signal, signal.SIGTERM, lambda *_: reactor.callFromThread(self.drain))
        # The objects loaded by now are never garbage. Without this, each full collection scans all of them and blocks the event loop.
        gc.freeze()
        super().run()

    def listen_success(self, port: Any) -> None:
        self.ports.append(port)
        # Longer than Nginx keeps an idle connection (upstreams.conf.template). Twisted's default is 60; Daphne has no setting for it.
        self.http_factory.timeOut = self.keepalive_seconds
        self.ws_factory.protocol = SocketProtocol
        self.ws_factory.setProtocolOptions(**OPTIONS)
        super().listen_success(port)

    def drain(self) -> None:
        """Start the shutdown; a second signal has no effect."""
        if self.draining_since is not None:
            return
        self.draining_since = time.monotonic()
        shutdown.leave()
        log.info("stopping: %d requests in flight", self.in_flight())
        for port in self.ports:
            port.stopListening()
        self.stop_when_done(self.draining_since)

    def stop_when_done(self, since: float) -> None:
        """Stop when no request is in flight any more, or when ``drain_seconds`` are over."""
        # At each poll: Nginx may still send a reconnecting client here, on a connection that it has kept open.
        self.close_sockets()
        passed = time.monotonic() - since
        if passed < REFUSING_SECONDS or (self.in_flight() and passed < self.drain_seconds):
            reactor.callLater(POLL_SECONDS, self.stop_when_done, since)
            return
        log.info("stopped after %.1f s: %d requests cut off", passed, self.in_flight())
        asyncio.ensure_future(close_the_last()).add_done_callback(lambda _: reactor.stop())

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        if scope["type"] == "websocket":
            scope["extensions"] = {EXTENSION: {"write": partial(write_frame, protocol)}}
        return super().create_application(protocol, scope)

    async def handle_reply(self, protocol: Any, message: Any) -> None:
        """Send a message of the application, but wait while the client does not read: Daphne would buffer everything in memory."""
        transport = (protocol.channel and protocol.channel.transport) if hasattr(protocol, "channel") else protocol.transport
        pause = FIRST_PAUSE_SECONDS
        while getattr(transport, "producerPaused", False) and "disconnected" not in self.connections.get(protocol, GONE):
            await asyncio.sleep(pause)
            pause = min(2 * pause, POLL_SECONDS)
        await super().handle_reply(protocol, message)

    def close_sockets(self) -> None:
        """Send every open WebSocket a close frame that asks the client to reconnect. The library sends it only once per socket."""
        for protocol in list(self.connections):
            if isinstance(protocol, WebSocketProtocol) and protocol.state == protocol.STATE_OPEN:
                protocol.sendCloseFrame(code=SERVICE_RESTART)

    def in_flight(self) -> int:
        """Return the number of requests and WebSockets that the application is still processing."""
        details = self.connections.values()
        return sum("disconnected" not in d and "application_instance" in d and not d["application_instance"].done() for d in details)


async def close_the_last() -> None:
    """Close the remaining resources, or asyncio logs warnings about them."""
    await asyncio.gather(*(call() for call in shutdown.LAST), return_exceptions=True)


def write_frame(protocol: WebSocketProtocol, frame: bytes) -> bool:
    """Write a frame (http/frames.py). Return False, and write nothing, if the socket is not open or earlier data is still buffered.

    This bypasses Twisted's buffer, which makes three system calls in place of one: it registers the socket for write events, writes, and
    unregisters it.
    """
    transport = protocol.transport
    if protocol.state != protocol.STATE_OPEN or transport.disconnecting or transport.dataBuffer or transport._tempDataBuffer:
        return False
    written = transport.writeSomeData(frame)
    if not isinstance(written, int):
        return False  # the connection is lost; the reactor detects that at its next read
    if written < len(frame):
        transport.write(frame[written:])
    return True

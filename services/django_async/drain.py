"""Daphne with a graceful stop. Its own cancels every request in flight as soon as SIGTERM comes."""

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
from twogates.server import shutdown as leaving

log = logging.getLogger(__name__)

# So long does a stopping process at least refuse connections before it is gone. Where a connection is refused, Nginx tries
# another replica at once and leaves this one alone; on an address that is gone it waits for its connect time-out.
REFUSING_SECONDS = 1.0
POLL_SECONDS = 0.1
FIRST_PAUSE_SECONDS = 0.001  # between two looks whether a client reads again; then twice as long
GONE = {"disconnected": 0.0}
SERVICE_RESTART = 1012  # the close code that tells a WebSocket client to come back


class DrainingServer(Server):
    """On SIGTERM: accept nothing more, close WebSockets, finish what is in flight within ``drain_seconds``, then stop."""

    drain_seconds = 30.0
    keepalive_seconds = 60.0

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.ports: list[Any] = []
        self.draining_since: float | None = None

    def run(self) -> None:
        # After Twisted has installed its own handlers. The handler only passes the call on: it interrupts any code.
        reactor.callWhenRunning(signal.signal, signal.SIGTERM, lambda *_: reactor.callFromThread(self.drain))
        # What is loaded now is never garbage. The loop would stand while all of it is looked through.
        gc.freeze()
        super().run()

    def listen_success(self, port: Any) -> None:
        self.ports.append(port)
        # Longer than Nginx keeps an idle connection (upstreams.conf.template). Twisted's default 60; Daphne has no setting for it.
        self.http_factory.timeOut = self.keepalive_seconds
        # allowNullOrigin: as Daphne has set it; a call without it forbids what Nginx has allowed (socket_origins.conf.template).
        self.ws_factory.protocol = SocketProtocol
        self.ws_factory.setProtocolOptions(**OPTIONS)
        super().listen_success(port)

    def drain(self) -> None:
        """Begin to stop; a second signal changes nothing."""
        if self.draining_since is not None:
            return
        self.draining_since = time.monotonic()
        leaving.leave()
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
        asyncio.ensure_future(close_the_last()).add_done_callback(lambda _: reactor.stop())

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        if scope["type"] == "websocket":
            scope["extensions"] = {EXTENSION: {"write": partial(write_frame, protocol)}}
        return super().create_application(protocol, scope)

    async def handle_reply(self, protocol: Any, message: Any) -> None:
        """Pass on what an application sends, and let it wait for a client that does not read: Daphne would keep all of it in memory."""
        transport = (protocol.channel and protocol.channel.transport) if hasattr(protocol, "channel") else protocol.transport
        pause = FIRST_PAUSE_SECONDS
        while getattr(transport, "producerPaused", False) and "disconnected" not in self.connections.get(protocol, GONE):
            await asyncio.sleep(pause)
            pause = min(2 * pause, POLL_SECONDS)
        await super().handle_reply(protocol, message)

    def close_sockets(self) -> None:
        """Tell every WebSocket to come back; the library leaves alone those that were told."""
        for protocol in list(self.connections):
            if isinstance(protocol, WebSocketProtocol) and protocol.state == protocol.STATE_OPEN:
                protocol.sendCloseFrame(code=SERVICE_RESTART)

    def in_flight(self) -> int:
        """How many requests and WebSockets an application is at work on."""
        details = self.connections.values()
        return sum("disconnected" not in d and "application_instance" in d and not d["application_instance"].done() for d in details)


async def close_the_last() -> None:
    """Close what is left open, or asyncio complains of it in the log."""
    await asyncio.gather(*(call() for call in leaving.LAST), return_exceptions=True)


def write_frame(protocol: WebSocketProtocol, frame: bytes) -> bool:
    """Write a frame (http/frames.py), if the socket is open and its client has read all before it.

    Past Twisted's buffer, which asks the kernel first whether a socket can be written to, and then no longer: three calls for one.
    """
    transport = protocol.transport
    if protocol.state != protocol.STATE_OPEN or transport.disconnecting or transport.dataBuffer or transport._tempDataBuffer:
        return False
    written = transport.writeSomeData(frame)
    if not isinstance(written, int):
        return False  # gone; the reactor hears of it from its next read
    if written < len(frame):
        transport.write(frame[written:])
    return True

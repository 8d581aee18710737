"""Uvicorn's WebSockets, with frames that are made once, and an end that its client hears of. Compare Daphne's, sockets.py of Django."""

import asyncio
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode
from websockets.protocol import State

from twogates.http.frames import EXTENSION

# A client that broke the rules may still be sending when it is told so. What it sends is dropped until it pauses for this long, or
# until it closes, and for as long as this at most. A connection that is closed with unread data is reset, and the code lost.
QUIET_SECONDS = 1.0
CLOSING_SECONDS = 20.0


class SocketProtocol(WebSocketsSansIOProtocol):
    """Uvicorn's own, which offers the extension, and closes a connection when its client has had time to read why."""

    quiet_timer: asyncio.TimerHandle | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.close_timeout = CLOSING_SECONDS  # for the client's answer to a close frame. Default 10

    async def run_asgi(self) -> None:
        """Run the application. What it leaves must not hold itself: the collector would find it later, and the loop stand meanwhile."""
        self.scope["extensions"][EXTENSION] = {"write": self.write_frame}
        try:
            await super().run_asgi()
        finally:
            del self.scope["extensions"][EXTENSION]

    def write_frame(self, frame: bytes) -> bool:
        """Write it, if the socket is open and its client reads."""
        if not self.writable.is_set() or self.conn.state is not State.OPEN or self.close_sent or self.disconnected:
            return False
        self.transport.write(frame)
        return True

    def data_received(self, data: bytes) -> None:
        if self.quiet_timer:
            self.drop_until_quiet()
        else:
            super().data_received(data)

    def send_receive_event_to_app(self) -> None:
        """Hand a message on. Uvicorn writes a traceback for one that is not UTF-8, and fails where a Close came with it."""
        if self.curr_msg_data_type == "text" and not self.close_sent:
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                if self.conn.state is State.OPEN:
                    self.conn.fail(CloseCode.INVALID_DATA)
                self.handle_parser_exception()
                return
        super().send_receive_event_to_app()

    def handle_parser_exception(self) -> None:
        """Send the close frame, and go on reading. Uvicorn closes at once."""
        if not self.handshake_complete:
            self.transport.close()
            return
        close = self.conn.close_sent
        code = close.code if close else CloseCode.ABNORMAL_CLOSURE
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": close.reason if close else ""})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.wait_for_the_client()
        self.drop_until_quiet()

    def drop_until_quiet(self) -> None:
        """Close when nothing has come for a moment."""
        if self.quiet_timer:
            self.quiet_timer.cancel()
        self.quiet_timer = self.loop.call_later(QUIET_SECONDS, self.transport.close)

    def wait_for_the_client(self) -> None:
        """Read on after a close frame, for a bounded time."""
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        if self.close_timer is None:
            self.close_timer = self.loop.call_later(CLOSING_SECONDS, self.transport.close)

    def shutdown(self) -> None:
        """Tell the client to come back, and close when it has answered. Uvicorn closes at once."""
        if not self.handshake_complete or self.transport.is_closing():
            super().shutdown()
        elif not self.close_sent and self.conn.state is State.OPEN:
            self.stop_keepalive()
            self.queue.put_nowait({"type": "websocket.disconnect", "code": CloseCode.SERVICE_RESTART})
            self.conn.send_close(CloseCode.SERVICE_RESTART)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
            self.wait_for_the_client()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.quiet_timer:
            self.quiet_timer.cancel()

"""Uvicorn's WebSockets, with frames encoded once for all sockets, and a close code that reaches the client.

Compare django_async/sockets.py, which does the same for Daphne.
"""

import asyncio
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode
from websockets.protocol import State

from twogates.http.frames import EXTENSION

# A client that violated the protocol may still be sending when it gets the close frame. Its data is dropped until it pauses for
# QUIET_SECONDS or closes, but for CLOSING_SECONDS at most. Closing with unread data would reset the connection and lose the code.
QUIET_SECONDS = 1.0
CLOSING_SECONDS = 20.0


class SocketProtocol(WebSocketsSansIOProtocol):
    """Uvicorn's protocol class with the frame extension. It closes a connection only after the client had time to read the reason."""

    quiet_timer: asyncio.TimerHandle | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.close_timeout = CLOSING_SECONDS  # how long to wait for the client's answer to a close frame. Default 10

    async def run_asgi(self) -> None:
        """Run the application, then break the reference cycle: the scope refers to this object through ``write_frame``.

        Otherwise the garbage collector has to free both later, and it blocks the event loop while it runs.
        """
        self.scope["extensions"][EXTENSION] = {"write": self.write_frame}
        try:
            await super().run_asgi()
        finally:
            del self.scope["extensions"][EXTENSION]

    def write_frame(self, frame: bytes) -> bool:
        """Write a frame. Return False, and write nothing, if the socket is not open or its client does not read."""
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
        """Pass a message to the application. For one that is not UTF-8, Uvicorn logs a traceback, and fails if a Close came with it."""
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
        """Send the close frame and continue reading. Uvicorn closes immediately."""
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
        """Close the connection when no data has arrived for ``QUIET_SECONDS``."""
        if self.quiet_timer:
            self.quiet_timer.cancel()
        self.quiet_timer = self.loop.call_later(QUIET_SECONDS, self.transport.close)

    def wait_for_the_client(self) -> None:
        """Continue reading after a close frame, for ``CLOSING_SECONDS`` at most."""
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        if self.close_timer is None:
            self.close_timer = self.loop.call_later(CLOSING_SECONDS, self.transport.close)

    def shutdown(self) -> None:
        """Tell the client to reconnect, and close when it has answered. Uvicorn closes immediately."""
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

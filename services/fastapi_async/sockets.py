"""Uvicorn's WebSockets, which take a frame that is made. Compare Daphne's, in drain.py of Django."""

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

from twogates.frames import EXTENSION


class SocketProtocol(WebSocketsSansIOProtocol):
    """Uvicorn's own, which offers the extension."""

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

"""One subscriber: a WebSocket that records each frame with its arrival time, and reconnects when the connection ends.

It uses picows, which parses frames in C. The generator shares its CPUs with the stack, so its CPU time affects every
figure.
"""

import asyncio
import random
from time import perf_counter

from picows import WSError, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from loadtest.chat.payload import read

BACK_SECONDS = 0.5  # maximum random delay before a reconnect; without it all clients would reconnect at the same moment
OPEN_SECONDS = 20.0
WITHOUT_A_WORD = 1006  # the code of a connection that ended without a close frame


class Subscriber:
    """All connections of one client, one after another."""

    def __init__(self, url: str, host: str) -> None:
        self.url, self.host = url, host
        self.came: list[tuple[float, bytes]] = []  # arrival time and frame
        self.counted = self.messages = 0  # frames counted so far, and the messages in them
        self.closed: list[int] = []  # close codes
        self.away: list[float] = []  # seconds until each reconnect succeeded
        self.over = False
        self.tasks: set[asyncio.Task[None]] = set()
        self.current: WSTransport | None = None

    async def open(self) -> None:
        """Connect, and continue after the last received message."""
        after = read(self.came[-1][1])[-1].id if self.came else 0
        self.current, _ = await ws_connect(
            lambda: Connection(self),
            f"{self.url}?after={after}",
            extra_headers={"Host": self.host},
            websocket_handshake_timeout=OPEN_SECONDS,
            read_buffer_init_size=4096,
        )

    def count(self) -> int:
        """Return the number of received messages."""
        self.messages += sum(len(read(frame)) for _, frame in self.came[self.counted :])
        self.counted = len(self.came)
        return self.messages

    def lost(self, code: int) -> None:
        """Handle the end of the connection: reconnect, unless the phase is over."""
        if self.over:
            return
        self.closed.append(code)
        task = asyncio.create_task(self.come_back(perf_counter()))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def come_back(self, since: float) -> None:
        while not self.over:
            await asyncio.sleep(random.uniform(0, BACK_SECONDS))  # noqa: S311  not a secret
            try:
                await self.open()
            except (OSError, TimeoutError, WSError):
                continue
            self.away.append(perf_counter() - since)
            return

    def close(self) -> None:
        self.over = True
        if self.current:
            self.current.disconnect(graceful=False)


class Connection(WSListener):
    """The callbacks of picows."""

    def __init__(self, subscriber: Subscriber) -> None:
        self.subscriber = subscriber
        self.code = WITHOUT_A_WORD

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            self.subscriber.came.append((perf_counter(), frame.get_payload_as_bytes()))
        elif frame.msg_type == WSMsgType.CLOSE:
            self.code = int.from_bytes(frame.get_payload_as_bytes()[:2])
            transport.send_close()
            transport.disconnect()

    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        self.subscriber.lost(self.code)

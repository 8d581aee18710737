"""One subscriber: a WebSocket that notes what comes and when, and comes back when it is cut off.

picows, which parses frames in C: what the generator takes of the CPUs that it shares with the stack is in every figure.
"""

import asyncio
import random
from time import perf_counter

from picows import WSError, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from loadtest.chat.marks import read

BACK_SECONDS = 0.5  # at most, before it comes back: all at once would be a wave
OPEN_SECONDS = 20.0
WITHOUT_A_WORD = 1006  # the code of a connection that ended without one


class Subscriber:
    """All connections of one client, one after another."""

    def __init__(self, url: str, host: str) -> None:
        self.url, self.host = url, host
        self.came: list[tuple[float, bytes]] = []  # when, and the frame
        self.counted = self.messages = 0  # of these frames, and what was in them
        self.closed: list[int] = []  # with which codes
        self.away: list[float] = []  # seconds until it was back
        self.over = False
        self.tasks: set[asyncio.Task[None]] = set()
        self.current: WSTransport | None = None

    async def open(self) -> None:
        """Connect, and go on after what came last."""
        after = read(self.came[-1][1])[-1].id if self.came else 0
        self.current, _ = await ws_connect(
            lambda: Connection(self),
            f"{self.url}?after={after}",
            extra_headers={"Host": self.host},
            websocket_handshake_timeout=OPEN_SECONDS,
            read_buffer_init_size=4096,
        )

    def count(self) -> int:
        """How many messages came."""
        self.messages += sum(len(read(frame)) for _, frame in self.came[self.counted :])
        self.counted = len(self.came)
        return self.messages

    def lost(self, code: int) -> None:
        """The connection has ended; come back, unless it is all over."""
        if self.over:
            return
        self.closed.append(code)
        task = asyncio.create_task(self.come_back(perf_counter()))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def come_back(self, since: float) -> None:
        while not self.over:
            await asyncio.sleep(random.uniform(0, BACK_SECONDS))  # noqa: S311  no secret
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
    """What picows calls."""

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

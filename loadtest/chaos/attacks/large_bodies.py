"""Bodies of 100 MB, far above the limit, and bodies that never end: how much of them does each server accept?"""

import asyncio
import socket

from loadtest.chaos.attacks.connections import Client, answers, crowd
from loadtest.chaos.attacks.model import Tally, Target

CONNECTIONS = 20
DECLARED = 100_000_000  # bytes; an endless body stops there too
PIECE = b"x" * 65_536


async def attack(target: Target, seconds: float) -> Tally:
    """Send to ``/echo`` of all services in turn; every second body declares its length.

    ``Tally.sent`` is the number of bytes sent before the answers came.
    """

    def client(which: int, tally: Tally) -> Client:
        path = target.prefixes[which // 2 % len(target.prefixes)]
        endless = which % 2 == 1
        framing = "Transfer-Encoding: chunked" if endless else f"Content-Length: {DECLARED}"
        head = f"POST {path}/echo HTTP/1.1\r\nContent-Type: application/json\r\n{framing}\r\nHost: ".encode()
        piece = b"%x\r\n%b\r\n" % (len(PIECE), PIECE) if endless else PIECE

        async def send(sock: socket.socket) -> None:
            loop = asyncio.get_running_loop()

            async def body() -> None:
                await loop.sock_sendall(sock, head + target.authority + b"\r\n\r\n")
                for _ in range(DECLARED // len(PIECE)):
                    await loop.sock_sendall(sock, piece)
                    tally.sent += len(piece)

            sending = asyncio.create_task(body())
            reading = asyncio.create_task(answers(sock, tally))
            before = tally.statuses.total()
            try:
                # Stop sending as soon as an answer is counted. If the client continued, Nginx would read and discard its
                # data for a while, then cut the connection.
                while not reading.done() and tally.statuses.total() == before:
                    await asyncio.wait([reading], timeout=0.01)
                sending.cancel()
                sock.shutdown(socket.SHUT_WR)
                await reading
            finally:
                sending.cancel()
                reading.cancel()
                await asyncio.gather(sending, reading, return_exceptions=True)

        return send

    return await crowd(target, seconds, client, CONNECTIONS)

"""Uploads of the maximum size that pause before their last byte and then finish together: which process stores them, and where?"""

import asyncio
import socket

from loadtest.chaos.attacks.connections import Client, answers, crowd
from loadtest.chaos.attacks.model import Tally, Target

CONNECTIONS = 20
DECLARED = 8 * 1024 * 1024  # bytes: the limit of Django's uploads, the smallest of the three
PIECE = b"x" * 65_536
TOGETHER = 4.0  # seconds after the start, when all uploads are completed


async def attack(target: Target, seconds: float) -> Tally:
    """Upload to the last service, which is Django."""
    path = target.prefixes[-1]
    release = asyncio.get_running_loop().time() + TOGETHER
    head = f"POST {path}/upload HTTP/1.1\r\nConnection: close\r\nContent-Length: {DECLARED}\r\nHost: ".encode()

    def client(_which: int, tally: Tally) -> Client:
        async def upload(sock: socket.socket) -> None:
            loop = asyncio.get_running_loop()

            async def body() -> None:
                await loop.sock_sendall(sock, head + target.authority + b"\r\n\r\n" + b"x")
                for left in range(DECLARED - 2, 0, -len(PIECE)):
                    piece = PIECE[: min(left, len(PIECE))]
                    await loop.sock_sendall(sock, piece)
                    tally.sent += len(piece)
                await asyncio.sleep(release - loop.time())
                await loop.sock_sendall(sock, b"x")

            sending = asyncio.create_task(body())
            try:
                await answers(sock, tally)  # a refused upload is answered before its body is complete
            finally:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)

        return upload

    return await crowd(target, seconds, client, CONNECTIONS)

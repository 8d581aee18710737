"""Clients that ask for a large answer and read a few bytes of it a second: who keeps the rest?"""

import asyncio
import socket

from loadtest.chaos.attacks.connections import STATUS, Client, crowd
from loadtest.chaos.attacks.model import Tally, Target

CONNECTIONS = 200
# The largest answer of the contract, half a megabyte, which a service can give at once.
PATH = "/events?chunks=10000&interval=0"
BYTES, EVERY = 16, 1.0  # so much, in so many seconds
WINDOW = 4096  # bytes; the kernel's least is about half


async def attack(target: Target, seconds: float) -> Tally:
    """Ask all services in turn."""

    def client(which: int, tally: Tally) -> Client:
        path = target.prefixes[which % len(target.prefixes)] + PATH
        request = f"GET {path} HTTP/1.1\r\nHost: ".encode() + target.authority + b"\r\n\r\n"

        async def slow(sock: socket.socket) -> None:
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(sock, request)
            tally.sent += len(request)
            if found := STATUS.match(await loop.sock_recv(sock, BYTES)):
                tally.statuses[int(found[1])] += 1
            while await loop.sock_recv(sock, BYTES):
                await asyncio.sleep(EVERY)

        return slow

    return await crowd(target, seconds, client, CONNECTIONS, WINDOW)

"""Clients that ask for far more than they read: who keeps the rest?"""

import asyncio
import socket

from loadtest.chaos.attacks.connections import STATUS, Client, crowd
from loadtest.chaos.attacks.model import Tally, Target

CONNECTIONS = 200
# 16 KiB, fifty times on one connection: almost a megabyte, and cheap to give. The contract's longest stream would be half of that,
# and its CPU time, a third of a second in Flask, another attack.
PATH, TIMES = "/static/gates.svg", 50
BYTES, EVERY = 16, 1.0  # read so many, in so many seconds
WINDOW = 4096  # bytes that may wait on this side


async def attack(target: Target, seconds: float) -> Tally:
    """Ask all services in turn."""

    def client(which: int, tally: Tally) -> Client:
        path = target.prefixes[which % len(target.prefixes)] + PATH
        requests = (f"GET {path} HTTP/1.1\r\nHost: ".encode() + target.authority + b"\r\n\r\n") * TIMES

        async def slow(sock: socket.socket) -> None:
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(sock, requests)
            tally.sent += len(requests)
            # The first read has the status line's beginning, which is all that is counted.
            received = await loop.sock_recv(sock, BYTES)
            if found := STATUS.match(received):
                tally.statuses[int(found[1])] += 1
            while received:
                await asyncio.sleep(EVERY)
                received = await loop.sock_recv(sock, BYTES)

        return slow

    return await crowd(target, seconds, client, CONNECTIONS, WINDOW)

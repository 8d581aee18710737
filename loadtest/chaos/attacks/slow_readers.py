"""Clients that request far more than they read: which process buffers the rest?"""

import asyncio
import socket

from loadtest.chaos.attacks.connections import STATUS, Client, crowd
from loadtest.chaos.attacks.model import Tally, Target

CONNECTIONS = 200
# 16 KiB, requested fifty times on one connection: almost a megabyte, and cheap to serve. The contract's longest stream has
# only half of that. It also costs a third of a second of CPU time in Flask, which would be a different attack.
PATH, TIMES = "/static/gates.svg", 50
BYTES, EVERY = 16, 1.0  # bytes to read, and the interval in seconds
WINDOW = 4096  # maximum unread bytes on this side


async def attack(target: Target, seconds: float) -> Tally:
    """Send the requests to all services, spread over the connections."""

    def client(which: int, tally: Tally) -> Client:
        path = target.prefixes[which % len(target.prefixes)] + PATH
        requests = (f"GET {path} HTTP/1.1\r\nHost: ".encode() + target.authority + b"\r\n\r\n") * TIMES

        async def slow(sock: socket.socket) -> None:
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(sock, requests)
            tally.sent += len(requests)
            # The first read contains the beginning of the status line. Only this first answer is counted.
            received = await loop.sock_recv(sock, BYTES)
            if found := STATUS.match(received):
                tally.statuses[int(found[1])] += 1
            while received:
                await asyncio.sleep(EVERY)
                received = await loop.sock_recv(sock, BYTES)

        return slow

    return await crowd(target, seconds, client, CONNECTIONS, WINDOW)

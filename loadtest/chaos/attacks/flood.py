"""One client that sends requests as fast as it is answered."""

import asyncio
import re
import socket

from loadtest.chaos.attacks.connections import STATUS, Client, crowd
from loadtest.chaos.attacks.model import Tally, Target

CONNECTIONS = 300  # more than Nginx's limit of concurrent requests for one client; each connection has one request in flight
REQUESTS = 200_000  # maximum for all connections together
LENGTH = re.compile(rb"\r\nContent-Length: *(\d+)\r\n", re.IGNORECASE)


async def attack(target: Target, seconds: float) -> Tally:
    """Request the smallest answer of all services, spread over the connections."""
    left = REQUESTS

    def client(which: int, tally: Tally) -> Client:
        path = target.prefixes[which % len(target.prefixes)]
        request = f"GET {path}/json HTTP/1.1\r\nHost: ".encode() + target.authority + b"\r\n\r\n"

        async def send(sock: socket.socket) -> None:
            nonlocal left
            loop = asyncio.get_running_loop()
            while left:
                left -= 1
                await loop.sock_sendall(sock, request)
                tally.sent += len(request)
                if not await one_answer(sock, tally):
                    return

        return send

    return await crowd(target, seconds, client, CONNECTIONS)


async def one_answer(sock: socket.socket, tally: Tally) -> bool:
    """Read an answer to its end and count it. Return whether the connection can be used again."""
    loop = asyncio.get_running_loop()
    received = b""
    while b"\r\n\r\n" not in received:
        if not (part := await loop.sock_recv(sock, 65536)):
            return False
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    if found := STATUS.match(head):
        tally.statuses[int(found[1])] += 1
    length = LENGTH.search(head + b"\r\n")
    left = int(length[1]) - len(body) if length else 0
    while left > 0:
        if not (part := await loop.sock_recv(sock, 65536)):
            return False
        left -= len(part)
    return length is not None and b"\r\nconnection: close" not in head.lower()

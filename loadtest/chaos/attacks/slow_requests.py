"""Valid requests that take thirty seconds each: each occupies a worker that handles one request at a time."""

import asyncio
import socket

from loadtest.chaos.attacks.connections import Client, answers, crowd
from loadtest.chaos.attacks.model import Tally, Target

CONNECTIONS = 60  # below the limit of concurrent requests for one client, so that this general limit does not stop the attack
SECONDS = 30  # the longest wait that the contract allows


async def attack(target: Target, seconds: float) -> Tally:
    """Send the requests to all services, spread over the connections."""

    def client(which: int, tally: Tally) -> Client:
        path = target.prefixes[which % len(target.prefixes)]
        request = f"GET {path}/wait?seconds={SECONDS} HTTP/1.1\r\nConnection: close\r\nHost: ".encode() + target.authority + b"\r\n\r\n"

        async def ask(sock: socket.socket) -> None:
            await asyncio.get_running_loop().sock_sendall(sock, request)
            tally.sent += len(request)
            await answers(sock, tally)

        return ask

    return await crowd(target, seconds, client, CONNECTIONS)

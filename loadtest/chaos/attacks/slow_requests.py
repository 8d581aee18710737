"""Requests that are right in every way and take thirty seconds each: a worker that holds one request at a time is held by each."""

import asyncio
import socket

from loadtest.chaos.attacks.connections import Client, answers, crowd
from loadtest.chaos.attacks.model import Tally, Target

CONNECTIONS = 60  # fewer than one client may have under way: no other limit is in the way of these
SECONDS = 30  # the most that the contract lets a request wait


async def attack(target: Target, seconds: float) -> Tally:
    """Ask all services in turn."""

    def client(which: int, tally: Tally) -> Client:
        path = target.prefixes[which % len(target.prefixes)]
        request = f"GET {path}/wait?seconds={SECONDS} HTTP/1.1\r\nConnection: close\r\nHost: ".encode() + target.authority + b"\r\n\r\n"

        async def ask(sock: socket.socket) -> None:
            await asyncio.get_running_loop().sock_sendall(sock, request)
            tally.sent += len(request)
            await answers(sock, tally)

        return ask

    return await crowd(target, seconds, client, CONNECTIONS)

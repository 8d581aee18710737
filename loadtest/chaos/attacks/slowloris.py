"""Many connections that send a header and never finish it."""

from loadtest.chaos.attacks.connections import crowd_that_drips
from loadtest.chaos.attacks.model import Tally, Target

CONNECTIONS = 500


async def attack(target: Target, seconds: float) -> Tally:
    """Hold as many connections as the server allows."""

    def head(prefix: str) -> bytes:
        return f"GET {prefix}/json HTTP/1.1\r\nHost: ".encode() + target.authority + b"\r\nX-Slow: "

    return await crowd_that_drips(target, seconds, head, CONNECTIONS)

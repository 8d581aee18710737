"""Ten thousand requests that are not quite HTTP, or that hide another."""

import asyncio
import socket
from contextlib import suppress

from loadtest.chaos.attacks.connections import STATUS, hold
from loadtest.chaos.attacks.model import Tally, Target
from loadtest.chaos.attacks.vectors import generate
from loadtest.chaos.attacks.vectors.model import Vector

NUMBER = 10_000
AT_ONCE = 100
SEED = 9112  # the RFC's
# Seconds for a first answer, and without a byte after it: then the client ends its side. Nginx takes a client that ends its
# side for one that has left, and stops what it asked for, so not at once; and without it every one that left Nginx in wait
# would be there for ten seconds.
PATIENCE, QUIET = 1.5, 0.2
LONGEST = 30.0  # seconds for one of them


async def attack(target: Target, seconds: float) -> Tally:
    """Send them all, or as many as there is time for."""
    deadline = asyncio.get_running_loop().time() + seconds
    tally = Tally()
    vectors = generate(SEED, NUMBER, target, "attack")

    async def send() -> None:
        for vector in vectors:
            if asyncio.get_running_loop().time() > deadline:
                return
            await exchange(target, tally, vector)

    await asyncio.gather(*(send() for _ in range(AT_ONCE)))
    return tally


async def exchange(target: Target, tally: Tally, vector: Vector) -> bytes:
    """Send one on a connection of its own; what came back until the server closed."""
    loop = asyncio.get_running_loop()
    received = b""

    async def client(sock: socket.socket) -> None:
        nonlocal received

        async def send() -> None:
            with suppress(ConnectionError):  # refused before it was all sent: the answer is there to be read
                await loop.sock_sendall(sock, vector.data)

        sending = asyncio.create_task(send())
        try:
            wait = PATIENCE
            with suppress(TimeoutError):
                while vector.whole:
                    part = await asyncio.wait_for(loop.sock_recv(sock, 65536), wait)
                    if not part:
                        return
                    received += part
                    wait = QUIET
            await sending
            sock.shutdown(socket.SHUT_WR)
            while part := await loop.sock_recv(sock, 65536):
                received += part
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    await hold(target, tally, loop.time() + LONGEST, client)
    for found in STATUS.finditer(received):
        tally.statuses[int(found[1])] += 1
    return received

"""Ten thousand requests that are not valid HTTP, or that hide another request."""

import asyncio
import socket
from contextlib import suppress

from loadtest.chaos.attacks.connections import STATUS, hold
from loadtest.chaos.attacks.model import Tally, Target
from loadtest.chaos.attacks.vectors import generate
from loadtest.chaos.attacks.vectors.model import Vector

NUMBER = 10_000
AT_ONCE = 100
SEED = 9112  # the number of the RFC of HTTP/1.1
# Seconds to wait for the first byte of an answer, and for each further byte. After that the client shuts down its sending
# side. It does not do so immediately, because Nginx treats such a client as gone and aborts its request. Without the
# shutdown, every incomplete request would keep its connection open for ten seconds.
PATIENCE, QUIET = 1.5, 0.2
LONGEST = 30.0  # maximum seconds for one request


async def attack(target: Target, seconds: float) -> Tally:
    """Send all requests, or as many as the time allows."""
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
    """Send one request on a separate connection. Return everything that came back until the server closed."""
    loop = asyncio.get_running_loop()
    received = b""

    async def client(sock: socket.socket) -> None:
        nonlocal received

        async def send() -> None:
            with suppress(ConnectionError):  # refused before all was sent: the answer can still be read
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

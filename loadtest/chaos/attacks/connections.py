"""An attacker's connections: raw, from a separate address, counted, and closed at the deadline."""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable
from itertools import count

from loadtest.chaos.attacks.model import Tally, Target

STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
# The pause before an attacker reconnects after the server closed or refused a connection. Without it every attack would be
# a flood.
PAUSE = 1.0  # seconds
DRIP = 1.0  # seconds between two bytes of a slow client

Client = Callable[[socket.socket], Awaitable[None]]


async def connect(target: Target, window: int | None = None) -> socket.socket:
    """Open a connection. ``window``: roughly the maximum number of unread bytes in the kernel on this side."""
    loop = asyncio.get_running_loop()
    sock = socket.socket(socket.AF_INET6 if ":" in target.host else socket.AF_INET)
    try:
        sock.setblocking(False)
        if window:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
            # Use Ethernet's segment size. With loopback's 64 KiB, the server's kernel would accept a whole answer for this
            # client.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1460)
        if target.source:
            sock.bind((target.source, 0))
        await loop.sock_connect(sock, (target.host, target.port))
    except BaseException:
        sock.close()
        raise
    return sock


async def hold(target: Target, tally: Tally, deadline: float, client: Client, window: int | None = None) -> None:
    """Run ``client`` on one connection; it returns when the server has closed. ``deadline`` is a time of the loop's clock."""
    loop = asyncio.get_running_loop()
    sock = None
    began = loop.time()
    try:
        async with asyncio.timeout_at(deadline):
            sock = await connect(target, window)
            began = loop.time()
            tally.connections += 1
            tally.open += 1
            tally.held = max(tally.held, tally.open)
            await client(sock)
        tally.closed += 1
    except TimeoutError:
        if sock:
            tally.open += 1  # offsets the decrement below: the connection is open at the end
        else:
            tally.refused += 1
    except OSError as error:
        tally.error = tally.error or str(error)
        if sock:
            tally.reset += 1
        else:
            tally.refused += 1
    finally:
        if sock:
            tally.open -= 1
            tally.longest = max(tally.longest, loop.time() - began)
            sock.close()


async def crowd(target: Target, seconds: float, clients: Callable[[int, Tally], Client], number: int, window: int | None = None) -> Tally:
    """Run ``number`` clients for ``seconds``. Each reconnects after the server has closed its connection."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    tally = Tally()

    async def come_back(which: int) -> None:
        for _ in count():
            await hold(target, tally, deadline, clients(which, tally), window)
            if loop.time() + PAUSE >= deadline:
                return
            await asyncio.sleep(PAUSE)

    await asyncio.gather(*(come_back(which) for which in range(number)))
    return tally


async def answers(sock: socket.socket, tally: Tally) -> None:
    """Read until the server closes, and count the answers by status."""
    loop = asyncio.get_running_loop()
    end = b""
    while part := await loop.sock_recv(sock, 65536):
        for found in STATUS.finditer(end + part):
            tally.statuses[int(found[1])] += 1
        end = (end + part)[-12:]  # one byte less than a match of STATUS, which may arrive in two parts


async def crowd_that_drips(target: Target, seconds: float, head: Callable[[str], bytes], number: int) -> Tally:
    """Run ``number`` slow clients, spread over all services.

    Each sends the bytes that ``head`` makes from a service's prefix, and then a byte a second.
    """

    def client(which: int, tally: Tally) -> Client:
        begun = head(target.prefixes[which % len(target.prefixes)])

        async def slow(sock: socket.socket) -> None:
            await drip(sock, tally, begun)

        return slow

    return await crowd(target, seconds, client, number)


async def drip(sock: socket.socket, tally: Tally, head: bytes) -> None:
    """Send ``head``, then a byte a second, until the server closes."""
    loop = asyncio.get_running_loop()

    async def send() -> None:
        await loop.sock_sendall(sock, head)
        tally.sent += len(head)
        while True:
            await asyncio.sleep(DRIP)
            await loop.sock_sendall(sock, b"x")
            tally.sent += 1

    sending = asyncio.create_task(send())
    try:
        await answers(sock, tally)
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)

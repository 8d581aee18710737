"""How many iterations of its event loop a server needs to accept the queued connections: what docs/services.md says of uvloop."""

import asyncio
import socket
from collections import Counter
from contextlib import ExitStack

import uvloop

WAITING = 8


async def accepted(listening: socket.socket) -> Counter[int]:
    """Count the accepted connections by loop iteration."""
    turn, found, done = 0, Counter[int](), asyncio.Event()
    loop = asyncio.get_running_loop()

    def next_turn() -> None:
        nonlocal turn
        turn += 1
        loop.call_soon(next_turn)

    class Taken(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            found[turn] += 1
            transport.close()
            if found.total() == WAITING:
                done.set()

    loop.call_soon(next_turn)
    async with await loop.create_server(Taken, sock=listening, backlog=WAITING):
        await done.wait()
    return found


def taken(new_loop: type[asyncio.AbstractEventLoop]) -> Counter[int]:
    """Count them for this kind of loop, with all connections queued before the loop starts."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=WAITING))
        for _ in range(WAITING):
            stack.enter_context(socket.create_connection(listening.getsockname()))
        with asyncio.Runner(loop_factory=new_loop) as runner:
            return runner.run(accepted(listening))


def test_uvloop_takes_one_in_each_turn() -> None:
    found = taken(uvloop.Loop)
    assert len(found) == WAITING
    assert set(found.values()) == {1}


def test_asyncio_takes_all_at_once() -> None:
    (found,) = taken(asyncio.SelectorEventLoop).values()
    assert found == WAITING

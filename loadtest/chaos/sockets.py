"""WebSockets that stay open, and must get a close frame when a server leaves."""

import asyncio
from contextlib import suppress

import aiohttp

from loadtest.chaos.recorder import Recorder

ECHO_EVERY_SECONDS = 1.0
# Longer than an event loop is blocked by the suite's fault.
ECHO_SECONDS = 10.0
# A client that comes back at once would fill the log while nothing is there.
BACK_AFTER_SECONDS = 0.1


async def hold(load: Recorder, service: str) -> None:
    """Keep one socket of a service open until the load stops: each that ends is an event, and another is opened."""
    while not load.stopping.is_set():
        await one(load, service)
        with suppress(TimeoutError):
            await asyncio.wait_for(load.stopping.wait(), BACK_AFTER_SECONDS)


async def one(load: Recorder, service: str) -> None:
    """A socket from its opening to its end."""
    planned, number = load.now, next(load.numbers)
    load.planned += 1
    try:
        socket = await load.session.ws_connect(f"{load.base}/{service}/ws", headers=load.headers(number), heartbeat=None)
    except aiohttp.WSServerHandshakeError as error:
        load.note(planned, "socket", service, "failed", error.status, f"not opened: status {error.status}")
        return
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        load.note(planned, "socket", service, "failed", 0, f"not opened: {type(error).__name__}: {error}")
        return
    stopping = asyncio.ensure_future(load.stopping.wait())
    try:
        for turn in range(1_000_000):
            text = f"{number}-{turn}"
            try:
                await socket.send_str(text)
                answer = await asyncio.wait_for(socket.receive(), ECHO_SECONDS)
            except (TimeoutError, aiohttp.ClientError, OSError) as error:
                # A send that failed may still be followed by the close frame that explains it.
                answer = await last_word(socket)
                if answer.type is not aiohttp.WSMsgType.CLOSE:
                    load.note(planned, "socket", service, "cut", 0, f"{type(error).__name__}: {error}")
                    return
            if answer.type is aiohttp.WSMsgType.TEXT and answer.data == text:
                idle = asyncio.ensure_future(socket.receive())
                await asyncio.wait({idle, stopping}, timeout=ECHO_EVERY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                if not idle.done():
                    idle.cancel()
                    with suppress(asyncio.CancelledError):
                        await idle
                    if load.stopping.is_set():
                        load.note(planned, "socket", service, "right")
                        return
                    continue
                answer = idle.result()
            if answer.type is aiohttp.WSMsgType.CLOSE:
                load.note(planned, "socket", service, "closed", int(answer.data or 0), str(answer.extra or ""))
            elif answer.type is aiohttp.WSMsgType.TEXT:
                load.note(planned, "socket", service, "wrong", 0, f"sent {text!r}, received {answer.data!r}")
            else:
                load.note(planned, "socket", service, "cut", 0, f"ended without a close frame: {answer.type.name}")
            return
    finally:
        stopping.cancel()
        await socket.close()


async def last_word(socket: aiohttp.ClientWebSocketResponse) -> aiohttp.WSMessage:
    """What is left to read on a socket that cannot be written to any more."""
    try:
        return await asyncio.wait_for(socket.receive(), 1.0)
    except (TimeoutError, aiohttp.ClientError, OSError, RuntimeError):
        return aiohttp.WSMessage(aiohttp.WSMsgType.CLOSED, None, None)

"""WebSockets that stay open, and must get a close frame when their server shuts down."""

import asyncio
from contextlib import suppress

import aiohttp

from loadtest.chaos.recorder import Recorder

ECHO_EVERY_SECONDS = 1.0
# Longer than the block-loop fault blocks an event loop.
ECHO_SECONDS = 10.0
# Without this pause, reconnecting clients would fill the log while no server is available.
BACK_AFTER_SECONDS = 0.1


async def hold(load: Recorder, service: str) -> None:
    """Keep one socket to a service open until the load stops. Each socket that ends is one event, and the client opens another."""
    while not load.stopping.is_set():
        await one(load, service)
        with suppress(TimeoutError):
            await asyncio.wait_for(load.stopping.wait(), BACK_AFTER_SECONDS)


async def one(load: Recorder, service: str) -> None:
    """Run one socket from its opening to its end, and record its event."""
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
                # A close frame that explains the failure may still arrive after a failed send.
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
    """Return the next message of a socket that can no longer be written to; CLOSED if there is none."""
    try:
        return await asyncio.wait_for(socket.receive(), 1.0)
    except (TimeoutError, aiohttp.ClientError, OSError, RuntimeError):
        return aiohttp.WSMessage(aiohttp.WSMsgType.CLOSED, None, None)

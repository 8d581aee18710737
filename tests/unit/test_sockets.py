"""What remains of a WebSocket on FastAPI's server after it is closed."""

import asyncio
import gc
import importlib.util
import weakref
from types import ModuleType
from typing import Any

import pytest
import uvicorn
from websockets.asyncio.client import connect

from tests.conftest import ROOT
from twogates.http.frames import writer
from twogates.server.graceful_uvicorn import LingeringProtocol

SOCKETS = 20


def load(path: str) -> ModuleType:
    """Load a module of a service, which is not a package."""
    spec = importlib.util.spec_from_file_location("sockets_of_fastapi", ROOT / path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_socket_that_is_gone_leaves_no_garbage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the garbage is collected later, all at once, and the event loop is blocked meanwhile."""
    sockets = load("services/fastapi_async/sockets.py")
    made: list[weakref.ref[Any]] = []

    class Seen(sockets.SocketProtocol):  # type: ignore[misc, name-defined]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            made.append(weakref.ref(self))

    class SeenHttp(LingeringProtocol):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            made.append(weakref.ref(self))

    async def echo(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            writer(scope)(b"\x81\x02ok")

    async def main() -> list[bool]:
        config = uvicorn.Config(echo, port=0, ws=Seen, http=SeenHttp, lifespan="off", log_level="warning")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0)
        port = server.servers[0].sockets[0].getsockname()[1]
        gc.disable()
        try:
            for _ in range(SOCKETS):
                async with connect(f"ws://127.0.0.1:{port}/", proxy=None) as client:
                    await client.send("?")
                    assert await client.recv() == "ok"
            async with asyncio.timeout(60):
                while server.server_state.connections or server.server_state.tasks:
                    await asyncio.sleep(0)
            return [one() is None for one in made]
        finally:
            gc.enable()
            server.should_exit = True
            await serving

    gone = asyncio.run(main())
    assert len(gone) == 2 * SOCKETS
    assert all(gone)

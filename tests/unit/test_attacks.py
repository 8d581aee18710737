"""What the attacks count, against a real server on the loopback interface that does a single thing."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

import pytest

from loadtest.chaos.attacks import (
    ATTACKS,
    Attack,
    Tally,
    Target,
    connections,
    flood,
    large_bodies,
    slow_readers,
    slow_requests,
    slow_uploads,
    slowloris,
    whole_uploads,
)
from loadtest.chaos.attacks.connections import answers, crowd

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LONG = 60.0  # seconds, far longer than any of this takes


async def against(serve: Serve, attack: Attack, seconds: float = 0.5) -> Tally:
    """Attack a server that runs ``serve`` for every connection."""

    async def then_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(then_close, "127.0.0.1", 0, backlog=1000)
    async with server:
        return await attack(Target("127.0.0.1", server.sockets[0].getsockname()[1], source="127.0.0.2"), seconds)


async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    while await reader.read(65536):  # as Nginx does, so that the client receives the answer and not a reset
        pass


async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def answer_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)


@pytest.mark.parametrize(
    "module", [slowloris, slow_uploads, slow_readers, slow_requests], ids=lambda module: module.__name__.rpartition(".")[2]
)
def test_connections_that_a_server_keeps_are_open_at_the_end(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    number = 50  # few enough that all connect long before the attack ends
    monkeypatch.setattr(module, "CONNECTIONS", number)
    tally = asyncio.run(against(keep, module.attack, 3.0))
    assert (tally.connections, tally.held, tally.open) == (number, number, number)
    assert (tally.closed, tally.reset, tally.refused) == (0, 0, 0)


def test_slow_clients_send_no_whole_request() -> None:
    seen: list[bytes] = []

    async def read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.read())

    tally = asyncio.run(against(read, slowloris.attack, 2.5))
    # A head whose client had no time to send anything is not a whole request either.
    assert all(head[:5] == b"GET /"[: len(head)] and b"\r\n\r\n" not in head for head in seen)
    assert tally.sent >= sum(map(len, seen)) > 0


def test_a_flood_is_answered_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The attack ends with its last request, however long that takes. The server answers only after all clients have connected."""
    requests = 3 * flood.CONNECTIONS
    monkeypatch.setattr(flood, "REQUESTS", requests)
    monkeypatch.setattr(connections, "PAUSE", LONG)  # no client starts a second connection
    there = asyncio.Barrier(flood.CONNECTIONS)

    async def answer_when_all_are_there(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await there.wait()
        await answer_all(reader, writer)

    tally = asyncio.run(against(answer_when_all_are_there, flood.attack, LONG))
    assert tally.held == flood.CONNECTIONS
    assert tally.statuses == {200: requests}


def test_a_body_stops_when_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "PAUSE", LONG)
    tally = asyncio.run(against(refuse, large_bodies.attack, LONG))
    assert tally.statuses == {413: large_bodies.CONNECTIONS}
    assert tally.closed + tally.reset == tally.connections == large_bodies.CONNECTIONS
    assert tally.sent < large_bodies.CONNECTIONS * large_bodies.DECLARED / 2


def test_uploads_are_whole_and_completed_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """No body is complete until all of them lack only their last byte."""
    number = 5
    monkeypatch.setattr(whole_uploads, "CONNECTIONS", number)
    monkeypatch.setattr(whole_uploads, "DECLARED", 100_000)
    monkeypatch.setattr(whole_uploads, "TOGETHER", 1.0)
    monkeypatch.setattr(connections, "PAUSE", LONG)
    sizes: list[int] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"POST /django/upload ")
        sizes.append(len(await reader.readexactly(100_000)))
        writer.write(OK)

    tally = asyncio.run(against(take, whole_uploads.attack, LONG))
    assert sizes == [100_000] * number
    assert (tally.statuses, tally.closed) == ({200: number}, number)


@pytest.mark.parametrize("name", ATTACKS)
def test_a_server_that_is_not_there_is_no_error_of_the_attack(name: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound but not listening
        tally = asyncio.run(asyncio.wait_for(ATTACKS[name](Target("127.0.0.1", unused.getsockname()[1]), 0.5), 60))
    assert tally.connections == 0
    assert tally.refused > 0
    assert tally.error in str(tally)


def test_a_status_that_comes_in_two_parts_is_counted_once() -> None:
    async def in_parts(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for part in (b"HTTP/1.1 2", b"00 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 404", b" Not Found\r\n\r\n"):
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.02)

    async def attack(target: Target, seconds: float) -> Tally:
        def client(which: int, tally: Tally) -> Any:
            async def ask(sock: socket.socket) -> None:
                await asyncio.get_running_loop().sock_sendall(sock, b"GET / HTTP/1.1\r\n\r\n")
                await answers(sock, tally)

            return ask

        return await crowd(target, seconds, client, 1)

    tally = asyncio.run(against(in_parts, attack))
    assert tally.statuses == {200: 1, 404: 1}
    assert tally.closed == 1

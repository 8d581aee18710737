"""The chaos suite's load against real servers that fail in known ways: it detects every loss and counts everything."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import pairwise

from aiohttp import WSMsgType, web

from loadtest.chaos.asks import SERVICES, SMALL, Ask, asks, document, judge_answer
from loadtest.chaos.events import Event, counted
from loadtest.chaos.load import Load
from tests.checkouts import free_port
from twogates.demo.models import Document

GET = Ask("get", "flask", "/json", 50, SMALL)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def played(http: Handler, ws: Handler | None = None, what: Ask = GET, answers: int = 10, clients: int = 0) -> list[Event]:
    """Return the events of a load until ``answers`` of them have ended, including every planned event."""

    async def play() -> list[Event]:
        application, port = web.Application(), int(free_port())
        if ws:
            application.router.add_get("/{service}/ws", ws)
        application.router.add_route("*", "/{path:.*}", http)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        try:
            async with Load(f"http://127.0.0.1:{port}", sockets=1 if ws else 0, what=[what], clients=clients) as load:
                async with asyncio.timeout(60):
                    while len(load.events) < answers:
                        await asyncio.sleep(0.01)
            counted(load.planned, load.events)
            return load.events
        finally:
            await runner.cleanup()

    return asyncio.run(play())


def outcomes(events: list[Event]) -> set[tuple[str, int]]:
    return {(event.outcome, event.status) for event in events}


def headers(request: web.Request) -> dict[str, str]:
    return {"X-Request-ID": request.headers["X-Request-ID"]}


async def good(request: web.Request) -> web.Response:
    return web.Response(body=await request.read() or SMALL, headers=headers(request))


def test_right_answers_are_right() -> None:
    assert outcomes(played(good)) == {("right", 200)}
    assert outcomes(played(good, what=Ask("post", "flask", "/echo", 50, b"", "POST"))) == {("right", 200)}


def test_another_requests_id_is_wrong() -> None:
    async def mixed_up(request: web.Request) -> web.Response:
        return web.Response(body=SMALL, headers={"X-Request-ID": "another-request"})

    assert outcomes(played(mixed_up)) == {("wrong", 200)}


def test_another_body_is_wrong() -> None:
    async def short(request: web.Request) -> web.Response:
        return web.Response(body=SMALL[:-1], headers=headers(request))

    assert outcomes(played(short)) == {("wrong", 200)}


def test_an_error_status_is_a_failure() -> None:
    async def bad_gateway(request: web.Request) -> web.Response:
        return web.Response(status=502, headers=headers(request))

    assert outcomes(played(bad_gateway)) == {("failed", 502)}


def test_a_connection_that_ends_is_a_failure() -> None:
    async def gone(request: web.Request) -> web.Response:
        assert request.transport
        request.transport.abort()
        return web.Response()

    assert outcomes(played(gone)) == {("failed", 0)}


def test_a_get_that_the_library_sent_again_is_a_failure() -> None:
    seen: Counter[str] = Counter()

    async def drops_every_third(request: web.Request) -> web.Response:
        seen["all"] += 1
        if seen["all"] % 3 == 0:
            assert request.transport
            request.transport.abort()
        return web.Response(body=SMALL, headers=headers(request))

    failed = [event for event in played(drops_every_third, answers=12) if event.outcome == "failed"]
    assert failed
    assert any("sent it again" in event.why for event in failed)


def test_answers_that_are_late_are_late_by_the_plan() -> None:
    first = asyncio.Event()

    async def stalls(request: web.Request) -> web.Response:
        if not first.is_set():
            await asyncio.sleep(0.3)
            first.set()
        return await good(request)

    events = played(stalls, answers=30)
    planned = sorted(event.planned for event in events)
    assert max(later - earlier for earlier, later in pairwise(planned)) < 0.03  # the stall does not delay the schedule


def test_each_virtual_client_has_an_address() -> None:
    came: set[str] = set()

    async def notes(request: web.Request) -> web.Response:
        came.add(request.headers["X-Forwarded-For"])
        return await good(request)

    played(notes, answers=12, clients=4)
    assert len(came) == 4


def sockets(how: Handler) -> Event:
    """Return the first socket's event."""
    return next(event for event in played(good, how, answers=60) if event.kind == "socket")


async def until_closed(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)
    return socket


def test_a_socket_that_stays_open_is_right() -> None:
    ended = [event for event in played(good, until_closed, answers=30) if event.kind == "socket"]
    assert outcomes(ended) == {("right", 0)}
    assert len(ended) == 2  # one for each event-loop service


def test_a_close_frame_is_told_from_a_cut() -> None:
    async def leaves(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str((await socket.receive()).data)
        await socket.close(code=1012)
        return socket

    async def cuts(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str((await socket.receive()).data)
        assert request.transport
        with suppress(ConnectionError):
            request.transport.abort()
        return socket

    assert (sockets(leaves).outcome, sockets(leaves).status) == ("closed", 1012)
    assert sockets(cuts).outcome == "cut"


def test_another_echo_is_wrong() -> None:
    async def garbles(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str((await socket.receive()).data + "!")
        await socket.receive()
        return socket

    assert sockets(garbles).outcome == "wrong"


def test_the_document_is_one_of_the_contract() -> None:
    body = document(123)
    assert Document.read(body, "application/json").model_dump_json().encode() == body
    assert document(124) != body


def test_a_status_that_is_not_200_is_a_failure_whatever_the_body() -> None:
    assert judge_answer(GET, 1, "some-request", 429, {"X-Request-ID": "some-request"}, SMALL) == ("failed", "status 429")


def test_every_service_gets_every_kind() -> None:
    for service in SERVICES:
        assert {ask.kind for ask in asks() if ask.service == service} == {"get", "head", "post", "upstream", "stream"}

"""Chat on a board on FastAPI: sends messages to WebSockets and event streams as they are posted."""

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Annotated, Any

from board import database
from fastapi import APIRouter, Query, Request, Response, WebSocket
from fastapi.responses import StreamingResponse

from twogates.demo.board.documents import found
from twogates.demo.board.models import read_id
from twogates.demo.board.statements import board as one_board
from twogates.demo.feed import statements
from twogates.demo.feed.asynchronous import EventReader, Feeds, SocketReader
from twogates.demo.feed.common import HEARTBEAT, HEARTBEAT_SECONDS, End, FeedQuery, after, close_code, opening
from twogates.http.frames import writer
from twogates.http.payloads import EVENTS_TYPE, STREAM_HEADERS
from twogates.http.problems import Problem
from twogates.server.settings import CacheSettings

routes = APIRouter()
get = partial(routes.api_route, methods=["GET", "HEAD"])


async def fetch_newest(board: int) -> Sequence[Any]:
    async with database.read() as connection:
        rows = (await connection.execute(statements.newest(board))).all()
        if not rows:
            found((await connection.execute(one_board(board))).one_or_none())
    return rows[::-1]


async def fetch_after(board: int, seen: int) -> Sequence[Any]:
    async with database.read() as connection:
        rows = (await connection.execute(statements.after(board, seen))).all()
        if not rows:
            found((await connection.execute(one_board(board))).one_or_none())
    return rows


feeds = Feeds(CacheSettings.read(), fetch_newest, fetch_after)


@get("/boards/{board}/feed")
async def feed(request: Request, board: str, query: Annotated[FeedQuery, Query()]) -> Response:
    number, asked = read_id(board), after(query, request.headers.get("Last-Event-ID"))
    reader = EventReader(await feeds.start(number, asked))

    async def sent() -> AsyncIterator[bytes]:
        if request.method == "HEAD":
            return
        yield opening(reader.seen)
        try:
            async for batch in feeds.catch_up(number, reader):
                yield batch.events
            while reader.ended is None:
                next_batch = await reader.next(HEARTBEAT_SECONDS)
                yield next_batch.events if next_batch else HEARTBEAT
        except Problem:  # the database is down; the client reconnects and continues after its last message
            pass
        finally:
            feeds.leave(number, reader)

    headers = {**STREAM_HEADERS, "Content-Type": EVENTS_TYPE}
    return StreamingResponse(sent(), headers=headers)


@get("/boards/{board}/chat")
async def chat_without_upgrade(board: str) -> Response:
    read_id(board)
    raise Problem(426, "This path speaks WebSocket.", headers={"Upgrade": "websocket"})


@routes.websocket("/boards/{board}/chat")
async def chat(socket: WebSocket, board: str) -> None:
    # Accept even an invalid request: a browser tells its page the code of a close, but not the reason for a refused handshake.
    await socket.accept()
    reader = None
    try:
        number, query = read_id(board), FeedQuery.read(socket.url.query)
        reader = SocketReader(await feeds.start(number, query.after), writer(socket.scope), socket.send_text, socket.close)
        async for batch in feeds.catch_up(number, reader):
            await socket.send_text(batch.text)
        if (await socket.receive())["type"] == "websocket.receive":
            reader.end(End.READING_ONLY)
            await socket.receive()
    except Problem as problem:
        await socket.close(close_code(problem))
    finally:
        if reader:
            feeds.leave(number, reader)

"""Chat on a board on Django: sends messages to WebSockets and event streams as they are posted."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from board import BOARDS, MESSAGES, first
from channels.generic.websocket import AsyncWebsocketConsumer
from database import in_database
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path
from web import get, query_string

from twogates.demo.board.documents import found
from twogates.demo.board.models import read_id
from twogates.demo.feed.asynchronous import EventReader, Feeds, SocketReader
from twogates.demo.feed.common import HEARTBEAT, HEARTBEAT_SECONDS, PAGE, RECENT, End, FeedQuery, after, close_code, opening
from twogates.http.frames import writer
from twogates.http.payloads import EVENTS_TYPE, STREAM_HEADERS
from twogates.http.problems import Problem
from twogates.server.settings import CacheSettings


@in_database
def fetch_newest(board: int) -> Sequence[Any]:
    rows = list(MESSAGES.filter(board=board).order_by("-id")[:RECENT])
    if not rows:
        found(first(BOARDS.filter(id=board)))
    return rows[::-1]


@in_database
def fetch_after(board: int, seen: int) -> Sequence[Any]:
    rows = list(MESSAGES.filter(board=board, id__gt=seen).order_by("id")[:PAGE])
    if not rows:
        found(first(BOARDS.filter(id=board)))
    return rows


feeds = Feeds(CacheSettings.read(), fetch_newest, fetch_after)


@get
async def feed(request: HttpRequest, board: str) -> StreamingHttpResponse:
    query = FeedQuery.read(query_string(request))
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

    return StreamingHttpResponse(sent(), content_type=EVENTS_TYPE, headers=STREAM_HEADERS)


@get
async def chat_without_upgrade(request: HttpRequest, board: str) -> HttpResponse:
    read_id(board)
    raise Problem(426, "This path speaks WebSocket.", headers={"Upgrade": "websocket"})


class Chat(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        # Accept even an invalid request: a browser tells its page the code of a close, but not the reason for a refused handshake.
        await self.accept()
        try:
            self.number = read_id(self.scope["url_route"]["kwargs"]["board"])
            query = FeedQuery.read(self.scope.get("query_string", b""))
            self.reader = SocketReader(await feeds.start(self.number, query.after), writer(self.scope), self.send, self.close)
            async for batch in feeds.catch_up(self.number, self.reader):
                await self.send(batch.text)
        except Problem as problem:
            await self.close(close_code(problem))

    async def receive(self, **_message: str | bytes) -> None:
        if hasattr(self, "reader"):
            self.reader.end(End.READING_ONLY)

    async def disconnect(self, _code: int) -> None:
        if hasattr(self, "reader"):
            feeds.leave(self.number, self.reader)
            del self.reader  # breaks a reference cycle: the reader refers to this consumer


routes = [path("boards/<str:board>/feed", feed), path("boards/<str:board>/chat", chat_without_upgrade)]
sockets = [path("boards/<str:board>/chat", Chat.as_asgi())]

"""Chat on a board on Flask: sends messages to event streams as they are posted. Each event stream occupies a worker."""

from collections.abc import Iterator, Sequence
from functools import partial
from time import monotonic
from typing import Any

from board import database
from flask import Blueprint, Response, request

from twogates.demo.board.documents import found
from twogates.demo.board.models import read_id
from twogates.demo.board.statements import board as one_board
from twogates.demo.feed import statements
from twogates.demo.feed.blocking import EventReader, Feeds
from twogates.demo.feed.common import HEARTBEAT, FeedQuery, after, opening
from twogates.demo.models import LONGEST_SECONDS
from twogates.http.payloads import EVENTS_TYPE, STREAM_HEADERS
from twogates.http.problems import Problem
from twogates.server import shutdown
from twogates.server.settings import CacheSettings

# A worker notices that its client has disconnected only at the second write after that. Until then it stays occupied for no client.
HEARTBEAT_SECONDS = 2.0
LOOK_SECONDS = 0.5  # between two checks whether the worker has to shut down

routes = Blueprint("chat", __name__)
get = partial(routes.route, methods=["GET"], provide_automatic_options=False)


def fetch_newest(board: int) -> Sequence[Any]:
    with database.read() as connection:
        rows = connection.execute(statements.newest(board)).all()
        if not rows:
            found(connection.execute(one_board(board)).one_or_none())
    return rows[::-1]


def fetch_after(board: int, seen: int) -> Sequence[Any]:
    with database.read() as connection:
        rows = connection.execute(statements.after(board, seen)).all()
        if not rows:
            found(connection.execute(one_board(board)).one_or_none())
    return rows


feeds = Feeds(CacheSettings.read(), fetch_newest, fetch_after)


@get("/boards/<board>/feed")
def feed(board: str) -> Response:
    query = FeedQuery.read(request.query_string)
    number, asked = read_id(board), after(query, request.headers.get("Last-Event-ID"))
    reader = EventReader(feeds.start(number, asked))
    # A stream may occupy a worker only for as long as any other request. The client then reconnects, and other requests get their turn.
    deadline = monotonic() + LONGEST_SECONDS

    def sent() -> Iterator[bytes]:
        yield opening(reader.seen)
        try:
            for batch in feeds.catch_up(number, reader):
                yield batch.events
            said = monotonic()
            while reader.ended is None and (now := monotonic()) < deadline and not shutdown.left():
                if next_batch := reader.next(min(LOOK_SECONDS, deadline - now)):
                    yield next_batch.events
                    said = now
                elif now - said > HEARTBEAT_SECONDS:
                    yield HEARTBEAT
                    said = now
        except Problem:  # the database is down; the client reconnects and continues after its last message
            pass
        finally:
            feeds.leave(number, reader)

    return Response(sent(), content_type=EVENTS_TYPE, headers=STREAM_HEADERS)


@get("/boards/<board>/chat")
def chat(board: str) -> Response:
    read_id(board)
    # WSGI has one request and one answer: the application has no access to the connection that a WebSocket needs.
    raise Problem(501, "WSGI cannot speak WebSocket. The services behind /fastapi/ and /django/ can; /flask/boards/{id}/feed has the same.")

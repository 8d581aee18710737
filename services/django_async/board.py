"""The notice board on Django and its ORM: queries run in threads, so the event loop is not blocked."""

import json
from collections.abc import Callable
from typing import Any

from database import in_database
from django.contrib.postgres.search import SearchQuery
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.urls import path
from notices.models import Answer, Author, Board, Mention, Message
from web import answer, by_method, query_string, reply

from twogates.cache.asynchronous import Cache
from twogates.cache.common import LOOP_CONNECTIONS
from twogates.database.common import constraint
from twogates.demo.board import documents
from twogates.demo.board.access import ExampleSettings, full, too_many
from twogates.demo.board.documents import found, now, unchanged
from twogates.demo.board.mentions import names
from twogates.demo.board.models import (
    BoardFields,
    MentionsQuery,
    MessageFields,
    MessagesQuery,
    NewMessage,
    PageQuery,
    changed,
    fingerprint,
    matches,
    read_id,
    read_key,
    require,
)
from twogates.demo.feed.publishing import Publisher
from twogates.http.models import Body
from twogates.http.payloads import Reply
from twogates.http.problems import Problem
from twogates.server.settings import CacheSettings

example = ExampleSettings.read()
cache = Cache(CacheSettings.read(), "django", LOOP_CONNECTIONS)
publisher = Publisher(CacheSettings.read())
# Named rows, not model objects: a query fetches exactly the columns that an answer shows, and reading a row never runs another query.
BOARDS = Board.objects.values_list("id", "name", "messages", "version", "created", named=True)
MESSAGES = Message.objects.annotate(author_name=F("author__name")).values_list(
    "id", "board_id", "author_name", "text", "version", "created", named=True
)
MENTIONS = Mention.objects.annotate(board_id=F("message__board")).values_list("id", "board_id", "message_id", "name", "created", named=True)

# Returns no row when the limit on boards is reached. Each of several concurrent requests may take the last free place.
NEW_BOARD = """
INSERT INTO boards (name, messages, version, created) SELECT %s, 0, 1, %s WHERE (SELECT count(*) FROM boards) < %s
RETURNING id, name, messages, version, created
"""

# Update the board's message count and insert the message in one statement. Returns no row if the board is missing or full. The update
# locks the board before the message gets its id. So ids follow the order of commits, and a reader that continues after its last known id
# misses no message. Other posts to the board wait for this lock: the ORM's two statements would hold it for one more round trip.
NEW_MESSAGE = """
WITH counted AS (UPDATE boards SET messages = messages + 1 WHERE id = %s AND messages < %s RETURNING id)
INSERT INTO messages (board_id, author_id, text, version, created)
SELECT id, %s, %s, 1, %s FROM counted
RETURNING id, board_id, text, version, created, %s AS author_name
"""


async def boards(request: HttpRequest) -> HttpResponse:
    query = PageQuery.read(query_string(request))
    rows = await fetch_boards(query)
    return answer(documents.page("boards", documents.board, rows, query.limit))


@in_database
def fetch_boards(query: PageQuery) -> list[Any]:
    return list(BOARDS.filter(id__gt=query.after).order_by("id")[: query.limit + 1])


async def create_board(request: HttpRequest) -> HttpResponse:
    fields = BoardFields.read(request.body, request.content_type)
    if example.counts_clients:
        await cache.count_post(example.client_quota(request.META.get("REMOTE_ADDR")))

    def create() -> Reply:
        row = first(Board.objects.raw(NEW_BOARD, [fields.name, now(), example.board_limit]))
        if row is None:
            raise too_many(example.board_limit)
        return documents.shown(documents.board(row), 201, f"/boards/{row.id}")

    return reply(await once(request, fields, create))


async def one_board(request: HttpRequest, board: str) -> HttpResponse:
    row = found(await fetch_board(read_id(board)))
    if matches(request.headers.get("If-None-Match"), row.version):
        return reply(documents.not_modified(row.version))
    return reply(documents.shown(documents.board(row)))


@in_database
def fetch_board(number: int) -> Any:
    return first(BOARDS.filter(id=number))


async def change_board(request: HttpRequest, board: str) -> HttpResponse:
    fields = BoardFields.read(request.body, request.content_type)
    number, if_match = read_id(board), require(request.headers.get("If-Match"))
    row = await write_board(number, if_match, fields)
    return reply(documents.shown({**documents.board(row), "name": fields.name, "version": row.version + 1}))


@in_database
def write_board(number: int, if_match: str, fields: BoardFields) -> Any:
    row = unchanged(first(BOARDS.filter(id=number)), if_match)
    try:
        with transaction.atomic():
            done = Board.objects.filter(id=number, version=row.version).update(name=fields.name, version=row.version + 1)
    except IntegrityError as error:
        raise broken(error) from error
    if not done:
        raise changed()
    return row


async def delete_board(request: HttpRequest, board: str) -> HttpResponse:
    await remove_board(read_id(board), require(request.headers.get("If-Match")))
    return reply(documents.GONE)


@in_database
def remove_board(number: int, if_match: str) -> None:
    row = unchanged(first(BOARDS.filter(id=number)), if_match)
    with transaction.atomic():
        done, _ = Board.objects.filter(id=number, version=row.version).delete()
    if not done:
        raise changed()


async def messages(request: HttpRequest, board: str) -> HttpResponse:
    query = MessagesQuery.read(query_string(request))
    rows = await fetch_messages(read_id(board), query)
    return answer(documents.page("messages", documents.message, rows, query.limit))


@in_database
def fetch_messages(number: int, query: MessagesQuery) -> list[Any]:
    asked = MESSAGES.filter(board=number, id__gt=query.after)
    if query.search:
        asked = asked.filter(search=SearchQuery(query.search, config="simple"))
    rows = list(asked.order_by("id")[: query.limit + 1])
    if not rows:
        found(first(BOARDS.filter(id=number)))
    return rows


async def create_message(request: HttpRequest, board: str) -> HttpResponse:
    fields = NewMessage.read(request.body, request.content_type)
    number = read_id(board)
    await cache.count_post(example.message_quota(fields.author, request.META.get("REMOTE_ADDR")))

    def create() -> Reply:
        [author] = Author.objects.bulk_create(
            [Author(name=fields.author)], update_conflicts=True, unique_fields=["name"], update_fields=["name"]
        )
        row = first(Message.objects.raw(NEW_MESSAGE, [number, example.message_limit, author.id, fields.text, now(), fields.author]))
        if row is None:
            found(first(BOARDS.filter(id=number)))
            raise full(example.message_limit)
        if names(fields.text):
            note_mentions(row.id)
        return documents.shown(documents.message(row), 201, f"/boards/{number}/messages/{row.id}")

    done = await once(request, fields, create)
    publisher.announce(done.headers["Location"])  # after the commit; also for a stored answer, whose first announcement may be missing
    return reply(done)


async def one_message(request: HttpRequest, board: str, message: str) -> HttpResponse:
    row = found(await fetch_message(read_id(board), read_id(message)))
    if matches(request.headers.get("If-None-Match"), row.version):
        return reply(documents.not_modified(row.version))
    return reply(documents.shown(documents.message(row)))


@in_database
def fetch_message(board: int, number: int) -> Any:
    return first(MESSAGES.filter(board=board, id=number))


async def change_message(request: HttpRequest, board: str, message: str) -> HttpResponse:
    fields = MessageFields.read(request.body, request.content_type)
    numbers, if_match = (read_id(board), read_id(message)), require(request.headers.get("If-Match"))
    row = await write_message(*numbers, if_match, fields)
    return reply(documents.shown({**documents.message(row), "text": fields.text, "version": row.version + 1}))


@in_database
def write_message(board: int, number: int, if_match: str, fields: MessageFields) -> Any:
    row = unchanged(first(MESSAGES.filter(board=board, id=number)), if_match)
    with transaction.atomic():
        same = Message.objects.filter(board=board, id=number, version=row.version)
        if not same.update(text=fields.text, version=row.version + 1):
            raise changed()
    return row


async def delete_message(request: HttpRequest, board: str, message: str) -> HttpResponse:
    await remove_message(read_id(board), read_id(message), require(request.headers.get("If-Match")))
    return reply(documents.GONE)


@in_database
def remove_message(board: int, number: int, if_match: str) -> None:
    row = unchanged(first(MESSAGES.filter(board=board, id=number)), if_match)
    with transaction.atomic():
        # Before the deletion: the update locks the board first, which prevents a deadlock between two transactions.
        Board.objects.filter(id=board).update(messages=F("messages") - 1)
        done, _ = Message.objects.filter(board=board, id=number, version=row.version).delete()
        if not done:
            raise changed()


async def mentions(request: HttpRequest) -> HttpResponse:
    query = MentionsQuery.read(query_string(request))
    rows = await fetch_mentions(query)
    return answer(documents.page("mentions", documents.mention, rows, query.limit))


@in_database
def fetch_mentions(query: MentionsQuery) -> list[Any]:
    return list(MENTIONS.filter(name=query.name, id__gt=query.after).order_by("id")[: query.limit + 1])


async def once(request: HttpRequest, fields: Body, create: Callable[[], Reply]) -> Reply:
    """Create what a request asks for, and store the answer in the same transaction. If its Idempotency-Key has an answer, return that.

    The key is looked up only after a failure, for example when the key exists already. So the first request with a key costs one
    extra round trip. Of two concurrent requests, the second waits in the database for the first.
    """
    key = read_key(request.headers.get("Idempotency-Key"))
    return await create_once(create, key, fingerprint(request.method or "", request.path, fields))


@in_database
def create_once(create: Callable[[], Reply], key: str | None, mark: bytes) -> Reply:
    try:
        with transaction.atomic():
            reply = create()
            if key:
                stored = {"status": reply.status, "headers": json.dumps(reply.headers), "body": reply.body.decode()}
                Answer.objects.create(key=key, fingerprint=mark, created=now(), **stored)
            return reply
    except (IntegrityError, Problem) as error:
        if key and (stored := first(Answer.objects.filter(key=key).values_list("fingerprint", "status", "headers", "body", named=True))):
            return documents.again(stored, mark)
        raise broken(error) if isinstance(error, IntegrityError) else error from error


def note_mentions(message: int) -> None:
    """Add a job to the queue. The worker sees it only after the transaction is committed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT queue_mentions(%s)", [message])


def first(rows: Any) -> Any:
    """Return the only row that a query by key finds, or ``None``. The ORM's own ``first`` would add an ORDER BY."""
    return next(iter(rows), None)


def broken(error: IntegrityError) -> BaseException:
    """Return the answer to the violation of a constraint that a client can violate, else the error itself."""
    return documents.name_taken() if error.__cause__ and constraint(error.__cause__) == documents.NAME_IS_TAKEN else error


routes = [
    path("boards", by_method(get=boards, post=create_board)),
    path("boards/<str:board>", by_method(get=one_board, put=change_board, delete=delete_board)),
    path("boards/<str:board>/messages", by_method(get=messages, post=create_message)),
    path("boards/<str:board>/messages/<str:message>", by_method(get=one_message, put=change_message, delete=delete_message)),
    path("mentions", by_method(get=mentions)),
]

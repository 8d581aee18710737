"""The notice board on FastAPI and SQLAlchemy: while one view awaits a query, the others continue."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection
from web import answer, header, reply

from twogates.cache.asynchronous import Cache
from twogates.cache.common import LOOP_CONNECTIONS
from twogates.database.asynchronous import Database
from twogates.database.common import constraint
from twogates.database.pool_size import LOOP_POOL
from twogates.demo.board import documents, statements
from twogates.demo.board.access import ExampleSettings, full, too_many
from twogates.demo.board.documents import found, unchanged
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
from twogates.server.settings import AppSettings, CacheSettings, DatabaseSettings

settings, example = AppSettings.read(), ExampleSettings.read()
database_settings = DatabaseSettings.read()
# An event loop accepts any number of concurrent requests. Each waits for a connection, so the pool limits the concurrent queries.
database = Database(database_settings, "fastapi", database_settings.pool or LOOP_POOL)
cache = Cache(CacheSettings.read(), "fastapi", LOOP_CONNECTIONS)
publisher = Publisher(CacheSettings.read())

routes = APIRouter()
get = partial(routes.api_route, methods=["GET", "HEAD"])
post = partial(routes.api_route, methods=["POST"], max_body_size=settings.body_limit)
put = partial(routes.api_route, methods=["PUT"], max_body_size=settings.body_limit)
delete = partial(routes.api_route, methods=["DELETE"])


@get("/boards")
async def boards(query: Annotated[PageQuery, Query()]) -> Response:
    async with database.read() as connection:
        rows = (await connection.execute(statements.boards(query))).all()
    return answer(documents.page("boards", documents.board, rows, query.limit))


@post("/boards")
async def create_board(request: Request, fields: BoardFields) -> Response:
    if example.counts_clients:
        await cache.count_post(example.client_quota(request.client and request.client.host))

    async def create(connection: AsyncConnection) -> Reply:
        row = (await connection.execute(statements.new_board(fields, example.board_limit))).one_or_none()
        if row is None:
            raise too_many(example.board_limit)
        return documents.shown(documents.board(row), 201, f"/boards/{row.id}")

    return reply(await once(request, fields, create))


@get("/boards/{board}")
async def one_board(request: Request, board: str) -> Response:
    number = read_id(board)
    async with database.read() as connection:
        row = found((await connection.execute(statements.board(number))).one_or_none())
    if matches(request.headers.get("If-None-Match"), row.version):
        return reply(documents.not_modified(row.version))
    return reply(documents.shown(documents.board(row)))


@put("/boards/{board}")
async def change_board(request: Request, board: str, fields: BoardFields) -> Response:
    number, if_match = read_id(board), require(request.headers.get("If-Match"))
    async with database.read() as connection:
        row = unchanged((await connection.execute(statements.board(number))).one_or_none(), if_match)
    try:
        async with database.write() as connection:
            done = await connection.execute(statements.change_board(number, row.version, fields))
    except IntegrityError as error:
        raise broken(error) from error
    if not done.rowcount:
        raise changed()
    return reply(documents.shown({**documents.board(row), "name": fields.name, "version": row.version + 1}))


@delete("/boards/{board}")
async def delete_board(request: Request, board: str) -> Response:
    number, if_match = read_id(board), require(request.headers.get("If-Match"))
    async with database.read() as connection:
        row = unchanged((await connection.execute(statements.board(number))).one_or_none(), if_match)
    async with database.write() as connection:
        done = await connection.execute(statements.delete_board(number, row.version))
    if not done.rowcount:
        raise changed()
    return reply(documents.GONE)


@get("/boards/{board}/messages")
async def messages(board: str, query: Annotated[MessagesQuery, Query()]) -> Response:
    number = read_id(board)
    async with database.read() as connection:
        rows = (await connection.execute(statements.messages(number, query))).all()
        if not rows:
            found((await connection.execute(statements.board(number))).one_or_none())
    return answer(documents.page("messages", documents.message, rows, query.limit))


@post("/boards/{board}/messages")
async def create_message(request: Request, board: str, fields: NewMessage) -> Response:
    number = read_id(board)
    await cache.count_post(example.message_quota(fields.author, request.client and request.client.host))

    async def create(connection: AsyncConnection) -> Reply:
        author = (await connection.execute(statements.author(fields.author))).scalar_one()
        row = (await connection.execute(statements.new_message(number, author, fields, example.message_limit))).one_or_none()
        if row is None:
            found((await connection.execute(statements.board(number))).one_or_none())
            raise full(example.message_limit)
        if names(fields.text):
            await connection.execute(statements.note_mentions(row.id))
        return documents.shown(documents.message(row), 201, f"/boards/{number}/messages/{row.id}")

    done = await once(request, fields, create)
    publisher.announce(done.headers["Location"])  # after the commit; also for a stored answer, whose first announcement may be missing
    return reply(done)


@get("/boards/{board}/messages/{message}")
async def one_message(request: Request, board: str, message: str) -> Response:
    numbers = read_id(board), read_id(message)
    async with database.read() as connection:
        row = found((await connection.execute(statements.message(*numbers))).one_or_none())
    if matches(request.headers.get("If-None-Match"), row.version):
        return reply(documents.not_modified(row.version))
    return reply(documents.shown(documents.message(row)))


@put("/boards/{board}/messages/{message}")
async def change_message(request: Request, board: str, message: str, fields: MessageFields) -> Response:
    numbers, if_match = (read_id(board), read_id(message)), require(request.headers.get("If-Match"))
    async with database.read() as connection:
        row = unchanged((await connection.execute(statements.message(*numbers))).one_or_none(), if_match)
    async with database.write() as connection:
        done = await connection.execute(statements.change_message(*numbers, row.version, fields))
    if not done.rowcount:
        raise changed()
    return reply(documents.shown({**documents.message(row), "text": fields.text, "version": row.version + 1}))


@delete("/boards/{board}/messages/{message}")
async def delete_message(request: Request, board: str, message: str) -> Response:
    numbers, if_match = (read_id(board), read_id(message)), require(request.headers.get("If-Match"))
    async with database.read() as connection:
        row = unchanged((await connection.execute(statements.message(*numbers))).one_or_none(), if_match)
    async with database.write() as connection:
        await connection.execute(statements.one_less(numbers[0]))
        if not (await connection.execute(statements.delete_message(*numbers, row.version))).rowcount:
            raise changed()
    return reply(documents.GONE)


@get("/mentions")
async def mentions(query: Annotated[MentionsQuery, Query()]) -> Response:
    async with database.read() as connection:
        rows = (await connection.execute(statements.mentions(query))).all()
    return answer(documents.page("mentions", documents.mention, rows, query.limit))


async def once(request: Request, fields: Body, create: Callable[[AsyncConnection], Awaitable[Reply]]) -> Reply:
    """Create what a request asks for, and store the answer in the same transaction. If its Idempotency-Key has an answer, return that.

    The key is looked up only after a failure, for example when the key exists already. So the first request with a key costs one
    extra round trip. Of two concurrent requests, the second waits in the database for the first.
    """
    key = read_key(header(request, "Idempotency-Key"))
    mark = fingerprint(request.method, request.url.path, fields)
    try:
        async with database.write() as connection:
            reply = await create(connection)
            if key:
                await connection.execute(statements.remember(key, mark, reply))
            return reply
    except (IntegrityError, Problem) as error:
        if key and not (isinstance(error, Problem) and error.status == 503):
            async with database.read() as connection:
                stored = (await connection.execute(statements.remembered(key))).one_or_none()
            if stored:
                return documents.again(stored, mark)
        raise broken(error) if isinstance(error, IntegrityError) else error from error


def broken(error: IntegrityError) -> BaseException:
    """Return the answer to the violation of a constraint that a client can violate, else the error itself."""
    return documents.name_taken() if error.orig and constraint(error.orig) == documents.NAME_IS_TAKEN else error

"""The notice board on Flask and SQLAlchemy: while a view waits for a query, its worker thread waits too."""

from collections.abc import Callable
from functools import partial

from flask import Blueprint, Response, request
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError
from web import answer, body, reply

from server import threads
from twogates.cache.blocking import Cache
from twogates.database.blocking import Database
from twogates.database.common import constraint, in_time
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
# A thread runs one query at a time, so one connection per thread is enough.
database = Database(database_settings, "flask", database_settings.pool or threads)
cache = Cache(CacheSettings.read(), "flask", threads)
publisher = Publisher(CacheSettings.read())

routes = Blueprint("board", __name__)
# While the database blocks a worker, the requests in its queue wait longer and longer. Answer those that waited too long with 503.
routes.before_request(in_time)
get = partial(routes.route, methods=["GET"], provide_automatic_options=False)
post = partial(routes.route, methods=["POST"], provide_automatic_options=False)
put = partial(routes.route, methods=["PUT"], provide_automatic_options=False)
delete = partial(routes.route, methods=["DELETE"], provide_automatic_options=False)


@get("/boards")
def boards() -> Response:
    query = PageQuery.read(request.query_string)
    with database.read() as connection:
        rows = connection.execute(statements.boards(query)).all()
    return answer(documents.page("boards", documents.board, rows, query.limit))


@post("/boards")
def create_board() -> Response:
    fields = BoardFields.read(body(settings.body_limit), request.content_type)
    if example.counts_clients:
        cache.count_post(example.client_quota(request.remote_addr))

    def create(connection: Connection) -> Reply:
        row = connection.execute(statements.new_board(fields, example.board_limit)).one_or_none()
        if row is None:
            raise too_many(example.board_limit)
        return documents.shown(documents.board(row), 201, f"/boards/{row.id}")

    return reply(once(fields, create))


@get("/boards/<board>")
def one_board(board: str) -> Response:
    number = read_id(board)
    with database.read() as connection:
        row = found(connection.execute(statements.board(number)).one_or_none())
    if matches(request.headers.get("If-None-Match"), row.version):
        return reply(documents.not_modified(row.version))
    return reply(documents.shown(documents.board(row)))


@put("/boards/<board>")
def change_board(board: str) -> Response:
    fields = BoardFields.read(body(settings.body_limit), request.content_type)
    number, if_match = read_id(board), require(request.headers.get("If-Match"))
    with database.read() as connection:
        row = unchanged(connection.execute(statements.board(number)).one_or_none(), if_match)
    try:
        with database.write() as connection:
            done = connection.execute(statements.change_board(number, row.version, fields))
    except IntegrityError as error:
        raise broken(error) from error
    if not done.rowcount:
        raise changed()
    return reply(documents.shown({**documents.board(row), "name": fields.name, "version": row.version + 1}))


@delete("/boards/<board>")
def delete_board(board: str) -> Response:
    number, if_match = read_id(board), require(request.headers.get("If-Match"))
    with database.read() as connection:
        row = unchanged(connection.execute(statements.board(number)).one_or_none(), if_match)
    with database.write() as connection:
        done = connection.execute(statements.delete_board(number, row.version))
    if not done.rowcount:
        raise changed()
    return reply(documents.GONE)


@get("/boards/<board>/messages")
def messages(board: str) -> Response:
    query = MessagesQuery.read(request.query_string)
    number = read_id(board)
    with database.read() as connection:
        rows = connection.execute(statements.messages(number, query)).all()
        if not rows:
            found(connection.execute(statements.board(number)).one_or_none())
    return answer(documents.page("messages", documents.message, rows, query.limit))


@post("/boards/<board>/messages")
def create_message(board: str) -> Response:
    fields = NewMessage.read(body(settings.body_limit), request.content_type)
    number = read_id(board)
    cache.count_post(example.message_quota(fields.author, request.remote_addr))

    def create(connection: Connection) -> Reply:
        author = connection.execute(statements.author(fields.author)).scalar_one()
        row = connection.execute(statements.new_message(number, author, fields, example.message_limit)).one_or_none()
        if row is None:
            found(connection.execute(statements.board(number)).one_or_none())
            raise full(example.message_limit)
        if names(fields.text):
            connection.execute(statements.note_mentions(row.id))
        return documents.shown(documents.message(row), 201, f"/boards/{number}/messages/{row.id}")

    done = once(fields, create)
    publisher.announce(done.headers["Location"])  # after the commit; also for a stored answer, whose first announcement may be missing
    return reply(done)


@get("/boards/<board>/messages/<message>")
def one_message(board: str, message: str) -> Response:
    numbers = read_id(board), read_id(message)
    with database.read() as connection:
        row = found(connection.execute(statements.message(*numbers)).one_or_none())
    if matches(request.headers.get("If-None-Match"), row.version):
        return reply(documents.not_modified(row.version))
    return reply(documents.shown(documents.message(row)))


@put("/boards/<board>/messages/<message>")
def change_message(board: str, message: str) -> Response:
    fields = MessageFields.read(body(settings.body_limit), request.content_type)
    numbers, if_match = (read_id(board), read_id(message)), require(request.headers.get("If-Match"))
    with database.read() as connection:
        row = unchanged(connection.execute(statements.message(*numbers)).one_or_none(), if_match)
    with database.write() as connection:
        done = connection.execute(statements.change_message(*numbers, row.version, fields))
    if not done.rowcount:
        raise changed()
    return reply(documents.shown({**documents.message(row), "text": fields.text, "version": row.version + 1}))


@delete("/boards/<board>/messages/<message>")
def delete_message(board: str, message: str) -> Response:
    numbers, if_match = (read_id(board), read_id(message)), require(request.headers.get("If-Match"))
    with database.read() as connection:
        row = unchanged(connection.execute(statements.message(*numbers)).one_or_none(), if_match)
    with database.write() as connection:
        connection.execute(statements.one_less(numbers[0]))
        if not connection.execute(statements.delete_message(*numbers, row.version)).rowcount:
            raise changed()
    return reply(documents.GONE)


@get("/mentions")
def mentions() -> Response:
    query = MentionsQuery.read(request.query_string)
    with database.read() as connection:
        rows = connection.execute(statements.mentions(query)).all()
    return answer(documents.page("mentions", documents.mention, rows, query.limit))


def once(fields: Body, create: Callable[[Connection], Reply]) -> Reply:
    """Create what a request asks for, and store the answer in the same transaction. If its Idempotency-Key has an answer, return that.

    The key is looked up only after a failure, for example when the key exists already. So the first request with a key costs one
    extra round trip. Of two concurrent requests, the second waits in the database for the first.
    """
    key = read_key(request.headers.get("Idempotency-Key"))
    mark = fingerprint(request.method, request.path, fields)
    try:
        with database.write() as connection:
            reply = create(connection)
            if key:
                connection.execute(statements.remember(key, mark, reply))
            return reply
    except (IntegrityError, Problem) as error:
        if key and not (isinstance(error, Problem) and error.status == 503):
            with database.read() as connection:
                stored = connection.execute(statements.remembered(key)).one_or_none()
            if stored:
                return documents.again(stored, mark)
        raise broken(error) if isinstance(error, IntegrityError) else error from error


def broken(error: IntegrityError) -> BaseException:
    """Return the answer to the violation of a constraint that a client can violate, else the error itself."""
    return documents.name_taken() if error.orig and constraint(error.orig) == documents.NAME_IS_TAKEN else error

"""SQLAlchemy statements of the notice board. Flask executes them in a thread; FastAPI awaits them."""

import json
from typing import Any

from sqlalchemy import Delete, Insert, Select, TextClause, Update, delete, func, insert, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from twogates.demo.board.documents import now
from twogates.demo.board.models import BoardFields, MentionsQuery, MessageFields, MessagesQuery, NewMessage, PageQuery
from twogates.demo.board.tables import Answer, Author, Board, Mention, Message
from twogates.http.payloads import Reply

BOARD = (Board.id, Board.name, Board.messages, Board.version, Board.created)
MESSAGE = (Message.id, Message.board_id, Author.name.label("author_name"), Message.text, Message.version, Message.created)
MENTION = (Mention.id, Message.board_id, Mention.message_id, Mention.name, Mention.created)

QUEUE_MENTIONS = text("SELECT queue_mentions(:message)")  # our own SQL function (django_async/notices/migrations)


def boards(query: PageQuery) -> Select[*tuple[Any, ...]]:
    return select(*BOARD).where(Board.id > query.after).order_by(Board.id).limit(query.limit + 1)


def board(number: int) -> Select[*tuple[Any, ...]]:
    return select(*BOARD).where(Board.id == number)


def new_board(fields: BoardFields, most: int) -> Insert:
    """Insert a board. Returns no row if there are already ``most``. Concurrent inserts may each pass, and so exceed the limit."""
    values = {"name": fields.name, "messages": 0, "version": 1, "created": now()}
    room = select(func.count()).select_from(Board).scalar_subquery() < most
    return insert(Board).from_select([*values], select(*map(literal, values.values())).where(room)).returning(*BOARD)


def change_board(number: int, version: int, fields: BoardFields) -> Update:
    return update(Board).where(Board.id == number, Board.version == version).values(name=fields.name, version=version + 1)


def delete_board(number: int, version: int) -> Delete:
    return delete(Board).where(Board.id == number, Board.version == version)


def messages(number: int, query: MessagesQuery) -> Select[*tuple[Any, ...]]:
    found = select(*MESSAGE).join(Author).where(Message.board_id == number, Message.id > query.after)
    if query.search:
        found = found.where(Message.search.op("@@")(func.plainto_tsquery("simple", query.search)))
    return found.order_by(Message.id).limit(query.limit + 1)


def message(board: int, number: int) -> Select[*tuple[Any, ...]]:
    return select(*MESSAGE).join(Author).where(Message.board_id == board, Message.id == number)


def one_less(board: int) -> Update:
    """Decrement a board's count of messages. Run it before the deletion: it locks the board first, which avoids deadlocks."""
    return update(Board).where(Board.id == board).values(messages=Board.messages - 1)


def author(name: str) -> Insert:
    """Insert an author unless the name exists, and return the id in both cases. DO NOTHING would return no id of an existing author."""
    made = upsert(Author).values(name=name)
    return made.on_conflict_do_update(index_elements=[Author.name], set_={"name": made.excluded.name}).returning(Author.id)


def new_message(board: int, author: int, fields: NewMessage, most: int) -> Insert:
    """Count a message on its board and insert it, in one statement. Returns no row if there is no board, or ``most`` messages on it.

    The update of the count locks the board before the message gets its id. So ids follow the order of commits, and a reader that continues
    after an id misses no message. Other posts on the board wait for this lock. Two statements would hold it for one round trip longer.
    """
    counted = (
        update(Board).where(Board.id == board, Board.messages < most).values(messages=Board.messages + 1).returning(Board.id).cte("counted")
    )
    given = select(counted.c.id, literal(author), literal(fields.text), literal(1), literal(now()))
    names = ["board_id", "author_id", "text", "version", "created"]
    author_name = literal(fields.author).label("author_name")
    made = insert(Message).from_select(names, given)
    return made.returning(Message.id, Message.board_id, author_name, Message.text, Message.version, Message.created)


def change_message(board: int, number: int, version: int, fields: MessageFields) -> Update:
    changed = update(Message).where(Message.board_id == board, Message.id == number, Message.version == version)
    return changed.values(text=fields.text, version=version + 1)


def delete_message(board: int, number: int, version: int) -> Delete:
    return delete(Message).where(Message.board_id == board, Message.id == number, Message.version == version)


def note_mentions(message: int) -> TextClause:
    """Queue a job. The worker sees it only after the commit of the transaction."""
    return QUEUE_MENTIONS.bindparams(message=message)


def mentions(query: MentionsQuery) -> Select[*tuple[Any, ...]]:
    found = select(*MENTION).join(Message).where(Mention.name == query.name, Mention.id > query.after)
    return found.order_by(Mention.id).limit(query.limit + 1)


def remember(key: str, fingerprint: bytes, reply: Reply) -> Insert:
    stored = {"status": reply.status, "headers": json.dumps(reply.headers), "body": reply.body.decode()}
    return insert(Answer).values(key=key, fingerprint=fingerprint, created=now(), **stored)


def remembered(key: str) -> Select[*tuple[Any, ...]]:
    return select(Answer.fingerprint, Answer.status, Answer.headers, Answer.body).where(Answer.key == key)

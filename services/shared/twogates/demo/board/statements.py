"""The notice board in SQLAlchemy's words, for Flask, which executes them, and FastAPI, which awaits them."""

import json
from typing import Any

from sqlalchemy import Delete, Insert, Select, TextClause, Update, delete, func, insert, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from twogates.demo.board.documents import Reply, now
from twogates.demo.board.models import BoardFields, MentionsQuery, MessageFields, MessagesQuery, NewMessage, PageQuery
from twogates.demo.board.tables import Answer, Author, Board, Mention, Message

BOARD = (Board.id, Board.name, Board.messages, Board.version, Board.created)
MESSAGE = (Message.id, Message.board_id, Author.name.label("author_name"), Message.text, Message.version, Message.created)
MENTION = (Mention.id, Message.board_id, Mention.message_id, Mention.name, Mention.created)

QUEUE_MENTIONS = text("SELECT queue_mentions(:message)")  # a function of ours (django_async/notices/migrations)


def boards(query: PageQuery) -> Select[*tuple[Any, ...]]:
    return select(*BOARD).where(Board.id > query.after).order_by(Board.id).limit(query.limit + 1)


def board(number: int) -> Select[*tuple[Any, ...]]:
    return select(*BOARD).where(Board.id == number)


def new_board(fields: BoardFields, most: int) -> Insert:
    """Insert a board; no row is the answer where there are ``most``. Of several at once each may be the last."""
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
    """Count one less on a board. It comes before the deletion and locks the board, so that no two transactions wait for each other."""
    return update(Board).where(Board.id == board).values(messages=Board.messages - 1)


def author(name: str) -> Insert:
    """The author of that name, made if there is none: with its id in either case, which DO NOTHING would not return."""
    made = upsert(Author).values(name=name)
    return made.on_conflict_do_update(index_elements=[Author.name], set_={"name": made.excluded.name}).returning(Author.id)


def new_message(board: int, author: int, fields: NewMessage, most: int) -> Insert:
    """Count the message on its board and insert it, in one statement; no row is the answer where there is no board, or ``most`` on it.

    The count locks the board, and only then the message gets its id, so that ids follow the order of commits and a reader who goes on
    after one misses none. All who post on the board wait meanwhile: in two statements they would for a round trip more.
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
    """Put a job into the queue, which is there when the transaction is committed and not before."""
    return QUEUE_MENTIONS.bindparams(message=message)


def mentions(query: MentionsQuery) -> Select[*tuple[Any, ...]]:
    found = select(*MENTION).join(Message).where(Mention.name == query.name, Mention.id > query.after)
    return found.order_by(Mention.id).limit(query.limit + 1)


def remember(key: str, fingerprint: bytes, reply: Reply) -> Insert:
    stored = {"status": reply.status, "headers": json.dumps(reply.headers), "body": reply.body.decode()}
    return insert(Answer).values(key=key, fingerprint=fingerprint, created=now(), **stored)


def remembered(key: str) -> Select[*tuple[Any, ...]]:
    return select(Answer.fingerprint, Answer.status, Answer.headers, Answer.body).where(Answer.key == key)

"""SQLAlchemy statements of the probe queries. Flask executes them in a thread; FastAPI awaits them."""

from typing import Any

from sqlalchemy import Select, TextClause, select, text

from twogates.demo.board.tables import Author, Message
from twogates.demo.database_probes.documents import QUESTION, ROWS
from twogates.demo.models import DatabaseQuery, ListingQuery

ASKED = text(QUESTION.format(rows=":rows", seconds=":seconds"))


def question(query: DatabaseQuery) -> TextClause:
    return ASKED.bindparams(rows=query.work * ROWS, seconds=query.seconds)


def joined(query: ListingQuery) -> Select[*tuple[Any, ...]]:
    return (
        select(Author.name, Message.text)
        .join_from(Message, Author)
        .where(Message.board_id == query.board)
        .order_by(Message.id)
        .limit(query.limit)
    )


def without_authors(query: ListingQuery) -> Select[*tuple[Any, ...]]:
    return select(Message.author_id, Message.text).where(Message.board_id == query.board).order_by(Message.id).limit(query.limit)


def author(number: int) -> Select[*tuple[Any, ...]]:
    return select(Author.name).where(Author.id == number)

"""SQLAlchemy models of the tables, for Flask and FastAPI. Django's migrations create them (django_async/notices); a test compares both."""

from datetime import datetime

from sqlalchemy import BigInteger, Computed, DateTime, ForeignKey, SmallInteger, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import BYTEA, TSVECTOR
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Table(DeclarativeBase):
    """Base of all tables."""

    type_annotation_map = {int: BigInteger, str: Text, datetime: DateTime(timezone=True), bytes: BYTEA}


class Author(Table):
    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)


class Board(Table):
    __tablename__ = "boards"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    messages: Mapped[int]
    version: Mapped[int]
    created: Mapped[datetime]


class Message(Table):
    __tablename__ = "messages"
    id: Mapped[int] = mapped_column(primary_key=True)
    board_id: Mapped[int] = mapped_column(ForeignKey("boards.id", ondelete="CASCADE"))
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"))
    text: Mapped[str]
    version: Mapped[int]
    created: Mapped[datetime]
    search: Mapped[str | None] = mapped_column(TSVECTOR, Computed("to_tsvector('simple', text)"))


class Mention(Table):
    """A name that a message mentions."""

    __tablename__ = "mentions"
    __table_args__ = (UniqueConstraint("message_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"))
    name: Mapped[str]
    created: Mapped[datetime]


class Answer(Table):
    """The stored answer to a request with an Idempotency-Key."""

    __tablename__ = "answers"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    fingerprint: Mapped[bytes]
    status: Mapped[int] = mapped_column(SmallInteger)
    headers: Mapped[str]
    body: Mapped[str]
    created: Mapped[datetime]

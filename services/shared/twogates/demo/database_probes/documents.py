"""A question that costs the database what a client says, and what such questions answer: the same from three services."""

from collections.abc import Iterable
from typing import Any

from twogates.demo.models import DatabaseQuery, ListingQuery

ROWS = 1000  # that the database adds up for each unit of work
# In SQL: libraries differ in how they write the two values.
QUESTION = "SELECT (SELECT coalesce(sum(number), 0) FROM generate_series(1, {rows}) AS number) AS total, pg_sleep({seconds})"


def asked(query: DatabaseQuery, total: int) -> dict[str, Any]:
    """The answer of ``/query``, with what the last question added up: so it is known that it was asked."""
    return {"calls": query.calls, "seconds": query.seconds, "work": query.work, "total": int(total)}


def listed(query: ListingQuery, messages: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The answer of ``/listing``, from an author and a text for each message."""
    shown = [{"author": author, "text": text} for author, text in messages]
    return {"board": query.board, "how": query.how, "messages": shown}

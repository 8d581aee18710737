"""A probe query whose cost the client chooses, and its answers: the same from three services."""

from collections.abc import Iterable
from typing import Any

from twogates.demo.models import DatabaseQuery, ListingQuery

ROWS = 1000  # that the database sums per unit of work
# The placeholders are format fields, since libraries differ in their notation of parameters.
QUESTION = "SELECT (SELECT coalesce(sum(number), 0) FROM generate_series(1, {rows}) AS number) AS total, pg_sleep({seconds})"


def asked(query: DatabaseQuery, total: int) -> dict[str, Any]:
    """Return the body of ``/query``. The last query's sum proves that the database executed it."""
    return {"calls": query.calls, "seconds": query.seconds, "work": query.work, "total": int(total)}


def listed(query: ListingQuery, messages: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return the body of ``/listing``, from an author and a text for each message."""
    shown = [{"author": author, "text": text} for author, text in messages]
    return {"board": query.board, "how": query.how, "messages": shown}

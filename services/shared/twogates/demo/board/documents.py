"""Answers of the notice board: rows of any library as JSON, and stored answers that can be replayed."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from twogates.demo.board.models import changed, matches
from twogates.http.payloads import Reply, encode
from twogates.http.problems import Problem

NAME_IS_TAKEN = "board_name"  # the constraint that a client can violate


def now() -> datetime:
    """Return the creation time of a new row."""
    return datetime.now(UTC)


def board(row: Any) -> dict[str, Any]:
    """Return a board for JSON."""
    return {"id": row.id, "name": row.name, "messages": row.messages, "version": row.version, "created": timestamp(row.created)}


def message(row: Any) -> dict[str, Any]:
    """Return a message for JSON."""
    return {
        "id": row.id,
        "board": row.board_id,
        "author": row.author_name,
        "text": row.text,
        "version": row.version,
        "created": timestamp(row.created),
    }


def mention(row: Any) -> dict[str, Any]:
    """Return a mention for JSON."""
    return {"id": row.id, "board": row.board_id, "message": row.message_id, "name": row.name, "created": timestamp(row.created)}


def timestamp(moment: datetime) -> str:
    """Format a time as UTC in RFC 3339, always with microseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def page(name: str, document: Callable[[Any], dict[str, Any]], rows: Sequence[Any], limit: int) -> dict[str, Any]:
    """Return a page of ``limit`` rows. One row more shows that there is a next page; ``next`` is the id after which that begins."""
    shown = rows[:limit]
    return {name: [document(row) for row in shown], "next": shown[-1].id if len(rows) > limit else None}


def shown(document: dict[str, Any], status: int = 200, location: str | None = None) -> Reply:
    """Return the answer with one document, and its version as the ETag."""
    headers = {"ETag": f'"{document["version"]}"'}
    return Reply(status, encode(document), headers | ({"Location": location} if location else {}))


def not_modified(version: int) -> Reply:
    """Return the 304 answer for a client that already has this version."""
    return Reply(304, headers={"ETag": f'"{version}"'})


GONE = Reply(204)


def found(row: Any) -> Any:
    """Return the row. Raises the 404 answer if there is none."""
    if row is None:
        raise Problem(404)
    return row


def unchanged(row: Any, if_match: str) -> Any:
    """Return the row to change. Raises the 404 answer if there is none, or 412 if the client has seen another version."""
    if not matches(if_match, found(row).version):
        raise changed(row.version)
    return row


def name_taken() -> Problem:
    """Return the 409 answer."""
    return Problem(409, "There is a board of that name.")


def again(stored: Any, fingerprint: bytes) -> Reply:
    """Return the stored answer for a retry of the same request. Raises the 422 answer if another request used the key."""
    if bytes(stored.fingerprint) != fingerprint:
        raise Problem(422, "The Idempotency-Key was used for another request.")
    return Reply(stored.status, stored.body.encode(), {**json.loads(stored.headers), "Idempotency-Replayed": "true"})

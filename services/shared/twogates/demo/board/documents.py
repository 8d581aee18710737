"""What the notice board answers: rows of whatever library as JSON, and an answer that can be given again."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from twogates.demo.board.models import changed, matches
from twogates.http.payloads import encode
from twogates.http.problems import Problem

NAME_IS_TAKEN = "board_name"  # the constraint that a client can break


@dataclass(frozen=True)
class Reply:
    """An answer, whatever the framework."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def now() -> datetime:
    """The time that a row is made at."""
    return datetime.now(UTC)


def board(row: Any) -> dict[str, Any]:
    """A board as JSON."""
    return {"id": row.id, "name": row.name, "messages": row.messages, "version": row.version, "created": timestamp(row.created)}


def message(row: Any) -> dict[str, Any]:
    """A message as JSON."""
    return {
        "id": row.id,
        "board": row.board_id,
        "author": row.author_name,
        "text": row.text,
        "version": row.version,
        "created": timestamp(row.created),
    }


def mention(row: Any) -> dict[str, Any]:
    """A mention as JSON."""
    return {"id": row.id, "board": row.board_id, "message": row.message_id, "name": row.name, "created": timestamp(row.created)}


def timestamp(moment: datetime) -> str:
    """UTC as in RFC 3339, always with microseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def page(name: str, document: Callable[[Any], dict[str, Any]], rows: Sequence[Any], limit: int) -> dict[str, Any]:
    """A page of ``limit`` rows, from one row more where there is one; ``next`` is what the next page comes after."""
    shown = rows[:limit]
    return {name: [document(row) for row in shown], "next": shown[-1].id if len(rows) > limit else None}


def shown(document: dict[str, Any], status: int = 200, location: str | None = None) -> Reply:
    """The answer with one thing, and its version as the ETag."""
    headers = {"ETag": f'"{document["version"]}"'}
    return Reply(status, encode(document), headers | ({"Location": location} if location else {}))


def not_modified(version: int) -> Reply:
    """The answer to who has this version already."""
    return Reply(304, headers={"ETag": f'"{version}"'})


GONE = Reply(204)


def found(row: Any) -> Any:
    """The row; raises the 404 answer where there is none."""
    if row is None:
        raise Problem(404)
    return row


def unchanged(row: Any, if_match: str) -> Any:
    """The row that a change is to be made to; raises the 412 answer where the client has seen another version of it."""
    if not matches(if_match, found(row).version):
        raise changed(row.version)
    return row


def name_taken() -> Problem:
    """The 409 answer."""
    return Problem(409, "There is a board of that name.")


def again(stored: Any, fingerprint: bytes) -> Reply:
    """The stored answer, to the same request; raises the 422 answer to another one with its key."""
    if bytes(stored.fingerprint) != fingerprint:
        raise Problem(422, "The Idempotency-Key was used for another request.")
    return Reply(stored.status, stored.body.encode(), {**json.loads(stored.headers), "Idempotency-Replayed": "true"})

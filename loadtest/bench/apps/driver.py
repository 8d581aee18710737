"""Common parts of the driver-only applications: the queries that the services send, and their answers."""

import json
import os
from pathlib import Path
from typing import Any

OPTIONS: dict[str, Any] = {
    "conninfo": os.environ["DATABASE_URL"],
    "password": Path(os.environ["DATABASE_PASSWORD_FILE"]).read_text().strip(),
    # The same settings as the services' connections.
    "autocommit": True,
    "prepare_threshold": None,
}
BOARD = "SELECT id, name, messages, version, created FROM boards WHERE id = %s"
PAGE = (
    "SELECT messages.id, board_id, authors.name, text, version, created FROM messages JOIN authors ON authors.id = author_id"
    " WHERE board_id = %s AND messages.id > %s ORDER BY messages.id LIMIT %s"
)
FIELDS = ("id", "name", "messages", "version", "created")
MESSAGE_FIELDS = ("id", "board", "author", "text", "version", "created")
LIMIT = 20


def query(path: str) -> tuple[str, list[int]]:
    """Return the query for a path and its parameters."""
    number = int(path.split("/")[2])
    return (PAGE, [number, 0, LIMIT + 1]) if path.endswith("/messages") else (BOARD, [number])


def document(path: str, rows: list[Any]) -> bytes:
    """Return the JSON body of the answer."""
    if path.endswith("/messages"):
        found: Any = {"messages": [dict(zip(MESSAGE_FIELDS, row, strict=True)) for row in rows[:LIMIT]], "next": rows[LIMIT - 1][0]}
    else:
        found = dict(zip(FIELDS, rows[0], strict=True))
    return json.dumps(found, default=lambda moment: moment.isoformat(), separators=(",", ":")).encode()

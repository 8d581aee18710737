"""The summary of a board: its query and its answer. The query is beyond an ORM, so all three services share the SQL.

It takes one round trip, but reads every message of the board. So the summary is cached.
"""

import json
from typing import Any

from twogates.cache.entries import Kept
from twogates.demo.board.documents import timestamp
from twogates.http.payloads import Reply, encode
from twogates.http.problems import Problem

# Parameters are in psycopg's notation. The words come from the search index: in lower case, each once per message.
QUERY = """
SELECT id, messages,
  (SELECT created FROM messages WHERE board_id = boards.id ORDER BY id DESC LIMIT 1) AS newest,
  (SELECT json_agg(top)::text FROM (
    SELECT authors.name, count(*) AS messages
    FROM messages JOIN authors ON authors.id = author_id
    WHERE board_id = boards.id GROUP BY authors.name ORDER BY messages DESC, authors.name LIMIT 10
  ) AS top) AS authors,
  (SELECT json_agg(top)::text FROM (
    SELECT word, count(*) AS messages
    FROM messages, unnest(tsvector_to_array(search)) AS word
    WHERE board_id = boards.id GROUP BY word ORDER BY messages DESC, word LIMIT 10
  ) AS top) AS words
FROM boards WHERE id = %(board)s
"""


def body(row: Any) -> bytes:
    """Return the body to cache and send; empty if there is no such board."""
    if row is None:
        return b""
    number, messages, newest, authors, words = row
    return encode(
        {
            "board": number,
            "messages": messages,
            "newest": newest and timestamp(newest),
            "authors": json.loads(authors or "[]"),
            "words": json.loads(words or "[]"),
        }
    )


def answered(kept: Kept) -> Reply:
    """Return the answer, cached or computed. Raises the 404 answer if there is no such board."""
    if not kept.body:
        raise Problem(404, headers=kept.headers)
    return Reply(200, kept.body, kept.headers)

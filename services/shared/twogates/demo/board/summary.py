"""The summary of a board: what the database is asked for it, and what is answered. Beyond what an ORM has words for, SQL is all three's.

One round trip, in which every message of the board is read: what a cache is for.
"""

import json
from typing import Any

from twogates.cache.entries import Kept
from twogates.demo.board.documents import Reply, timestamp
from twogates.http.payloads import encode
from twogates.http.problems import Problem

# psycopg's form of a parameter. Of words, those of the index for the search: in small letters, each once a message.
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
    """What is kept and sent; nothing where there is no such board."""
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
    """The answer, from wherever it comes; raises the 404 answer where there is no such board."""
    if not kept.body:
        raise Problem(404, headers=kept.headers)
    return Reply(200, kept.body, kept.headers)

"""A board with enough messages to make its summary costly for the database: the SQL that creates it, and its correct summary."""

from typing import Any

BOARD, MESSAGES = 1000, 3000
AUTHORS = ("Ada", "Ben", "Cleo", "Dan")  # they exist from the start
GROUPS = 4
MADE = "2026-01-31T12:00:00"

# For psql, which stops at the first error.
PSQL = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--username=postgres", "--dbname=twogates"]
# VACUUM now: autovacuum would run at a later moment, possibly in a measured window.
SQL = f"""
INSERT INTO boards (id, name, messages, version, created) VALUES ({BOARD}, 'The large board', {MESSAGES}, 1, '{MADE}Z');
INSERT INTO messages (board_id, author_id, text, version, created)
SELECT {BOARD}, (SELECT id FROM authors WHERE name = ('{{{",".join(AUTHORS)}}}'::text[])[1 + number % {len(AUTHORS)}]),
  'A notice of group ' || number % {GROUPS}, 1, '{MADE}Z'
FROM generate_series(1, {MESSAGES}) AS number;
VACUUM ANALYZE messages, boards;
"""  # noqa: S608  constants


def summary() -> dict[str, Any]:
    """Return the correct summary: authors and words, sorted by number of messages and then by name."""
    of_all, of_group = MESSAGES, MESSAGES // GROUPS
    words = [(word, of_all) for word in ("a", "group", "notice", "of")] + [(str(group), of_group) for group in range(GROUPS)]
    return {
        "board": BOARD,
        "messages": MESSAGES,
        "newest": f"{MADE}.000000Z",
        "authors": [{"name": name, "messages": MESSAGES // len(AUTHORS)} for name in AUTHORS],
        "words": [{"word": word, "messages": messages} for word, messages in words],
    }

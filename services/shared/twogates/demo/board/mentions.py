"""Whom a message names, and the job that notes it: what the services that ask for it and the worker that does it agree on."""

import re

# In the queue a job is these words and the number of a message, nothing else: old and new code understand each other's jobs.
TASK, QUEUE = "note_mentions", "board"

# Not the end of an address such as ada@example.org.
MENTION = re.compile(r"(?<!\w)@(\w{1,100})(?!\w)")


# Names that count in one text. Without a bound, a text of 2,000 characters would make 666 rows.
MOST_NAMES = 20


def names(text: str) -> list[str]:
    """Return each of the first names once, in the order of the text."""
    return list(dict.fromkeys(MENTION.findall(text)))[:MOST_NAMES]

"""Whom a message names, and the job that notes it: what the services that ask for it and the worker that does it agree on."""

import re

# In the queue a job is these words and the number of a message, nothing else: old and new code understand each other's jobs.
TASK, QUEUE = "note_mentions", "board"

# Not the end of an address such as ada@example.org.
MENTION = re.compile(r"(?<!\w)@(\w{1,100})(?!\w)")


def names(text: str) -> list[str]:
    """Each name once, in the order of the text."""
    return list(dict.fromkeys(MENTION.findall(text)))

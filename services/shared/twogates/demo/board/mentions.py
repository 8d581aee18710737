"""The names that a message mentions, and the job that records them: shared by the services that queue it and the worker that runs it."""

import re

# A queued job consists only of these names and a message's id, so that old and new code understand each other's jobs.
TASK, QUEUE = "note_mentions", "board"

# Does not match the domain of an address such as ada@example.org.
MENTION = re.compile(r"(?<!\w)@(\w{1,100})(?!\w)")


# Names that count in one text. Without a limit, a text of 2,000 characters could create 666 rows.
MOST_NAMES = 20


def names(text: str) -> list[str]:
    """Return the first ``MOST_NAMES`` names in the order of the text, each once."""
    return list(dict.fromkeys(MENTION.findall(text)))[:MOST_NAMES]

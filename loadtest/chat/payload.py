"""The data in a message: its author, its number among the author's messages, and its sending time."""

import json
from functools import lru_cache
from typing import NamedTuple


class Mark(NamedTuple):
    """A received message."""

    id: int
    author: str
    number: int
    sent: float


def text(number: int, sent: float) -> str:
    """Return the text of a message."""
    return f"{number} {sent:.6f}"


@lru_cache(4096)
def read(frame: bytes) -> tuple[Mark, ...]:
    """Return the messages of a frame. The result is cached, because many sockets receive the same frame."""
    marks = []
    for message in json.loads(frame):
        number, sent = message["text"].split()
        marks.append(Mark(message["id"], message["author"], int(number), float(sent)))
    return tuple(marks)

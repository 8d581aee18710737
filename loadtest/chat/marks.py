"""What a message says of itself: who sent it, as which of his, and when."""

import json
from functools import lru_cache
from typing import NamedTuple


class Mark(NamedTuple):
    """A message as it came."""

    id: int
    author: str
    number: int
    sent: float


def text(number: int, sent: float) -> str:
    """The words of a message."""
    return f"{number} {sent:.6f}"


@lru_cache(4096)
def read(frame: bytes) -> tuple[Mark, ...]:
    """The messages of a frame, which many sockets get alike."""
    marks = []
    for message in json.loads(frame):
        number, sent = message["text"].split()
        marks.append(Mark(message["id"], message["author"], int(number), float(sent)))
    return tuple(marks)

"""Chat on a board: the recent messages that a process keeps in memory, and the queue of each reader.

A message is committed to the database before a notification is sent (feed/publishing.py). The notification only says "there are messages up
to this id". A process that receives it reads the new messages from the database in the order of ids, which is the order of commits
(new_message in board/statements.py). So a lost, duplicate or late notification changes when a message arrives, but not whether, or in which
order.
"""

import struct
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from enum import IntEnum
from functools import cached_property
from typing import Any, NamedTuple

from pydantic import Field

from twogates.cache.common import connection_options
from twogates.demo.board.documents import message
from twogates.demo.board.models import LARGEST_ID
from twogates.demo.feed.memory import Memory
from twogates.http.models import Query
from twogates.http.notations import Whole, whole_in_header
from twogates.http.payloads import encode
from twogates.http.problems import Problem, header_problem
from twogates.server.settings import CacheSettings

PAGE = 100  # messages that one query reads
RECENT = 200  # messages kept per board: a reader that reconnects soon, or moves from another replica, needs no query
WAITING = 500  # greatest number of messages in the queue of a slow reader
LARGEST_BATCH = 60_000  # bytes sent to a reader in one piece, below the 64 KiB that is Daphne's limit here
# The least time between two queries for a board. Messages that arrive in between are sent together. With many readers, the number of
# writes saturates a CPU, not their size.
WAVE_SECONDS = 0.01
READER_SECONDS = 0.0002  # added for each reader
LONGEST_WAVE_SECONDS = 0.04
# Each board is polled at this interval, since a notification may be lost; at the second one while Valkey cannot be reached.
LOOK_SECONDS = 10.0
DEAF_SECONDS = 1.0
AGAIN_SECONDS = 0.5  # until the retry of a failed query
HEARTBEAT_SECONDS = 15.0  # the longest silence of an event stream; Nginx gives up after 45
HEARTBEAT = b":\n\n"
RETRY_MILLISECONDS = 500  # until a browser reconnects; default about 3 s
# After this much silence, Valkey is sent a PING. After as much again, the connection counts as dead.
SILENCE_SECONDS = 5.0
ANSWER_SECONDS = 1.0  # to connect, and to answer a command


# Beyond this limit, the largest board drops old messages; then the reader with the largest queue is disconnected. Without a limit, each
# followed board may hold 200 messages of 8 KB, and a service with 384 MB runs out of memory at about 180 boards.
MEMORY = Memory(48 * 1024 * 1024)


class End(IntEnum):
    """The close code of a socket: 4000 plus the HTTP status with the same meaning."""

    NOT_FOUND = 4404
    TOO_SLOW = 4408  # reconnect with the last id
    READING_ONLY = 4405
    LEAVING = 4503  # reconnect; at a shutdown the server itself closes its sockets with 1012


class FeedQuery(Query):
    """The message after which a reader continues. ``None``: start with the next message that is posted."""

    after: Whole | None = Field(None, ge=0, le=LARGEST_ID, description=f"a whole number from 0 to {LARGEST_ID}")


def after(query: FeedQuery, last_event_id: str | None) -> int | None:
    """Return the id after which an event stream continues. ``Last-Event-ID``, which a browser sends when it reconnects, has priority."""
    if not last_event_id:
        return query.after
    if (number := whole_in_header(last_event_id, LARGEST_ID)) is not None:
        return number
    raise header_problem("Last-Event-ID", "Not the id of a message", f"a whole number from 0 to {LARGEST_ID}")


class Entry(NamedTuple):
    """A message, with its JSON."""

    id: int
    text: str
    size: int  # in bytes, as it is sent
    held: int  # in bytes of memory: up to four per character. Python may report more later, when it caches the UTF-8 form


def entries(rows: Sequence[Any]) -> list[Entry]:
    """Return the rows of any library as entries, encoded once for all readers of this process."""
    encoded = [(row.id, encode(message(row))) for row in rows]
    return [Entry(number, text := document.decode(), len(document) + 1, sys.getsizeof(text)) for number, document in encoded]


class Batch:
    """Messages that are sent together. Each kind of reader has its own form, built once for all readers."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        self.first, self.last = entries[0].id, entries[-1].id
        self.held = 3 * sum(entry.held for entry in entries)  # bytes of memory: the entries, and at most two of the forms below
        self.waits_for = 0  # readers that have it in their queue

    @cached_property
    def text(self) -> str:
        """The form for a socket: one message with a JSON array."""
        return f"[{','.join(entry.text for entry in self.entries)}]"

    @cached_property
    def frame(self) -> bytes:
        """The same as a finished WebSocket frame (http/frames.py)."""
        return frame(self.text.encode())

    @cached_property
    def events(self) -> bytes:
        """The form for an event stream."""
        return "".join(f"id: {entry.id}\ndata: {entry.text}\n\n" for entry in self.entries).encode()


def frame(payload: bytes) -> bytes:
    """Return a complete text message as a frame of a server (RFC 6455), so not masked."""
    size = len(payload)
    head = struct.pack("!BB", 0x81, size) if size < 126 else struct.pack("!BBH", 0x81, 126, size)
    return head + payload


def batches(entries: Sequence[Entry]) -> Iterator[Batch]:
    """Yield the entries in batches that no client rejects for their size: at most ``LARGEST_BATCH`` bytes, or a single message."""
    begin = size = 0
    for number, entry in enumerate(entries):
        if size and size + entry.size > LARGEST_BATCH:
            yield Batch(entries[begin:number])
            begin, size = number, 0
        size += entry.size
    if size:
        yield Batch(entries[begin:])


class Follower:
    """A reader, and the queue of messages for it."""

    def __init__(self, seen: int) -> None:
        self.seen = seen
        self.waiting: deque[Batch] = deque()
        self.number = 0
        self.counted = 0  # the number of batches, from the head of the queue, that MEMORY counts
        self.held = 0  # bytes of those batches
        self.ended: End | None = None

    def put(self, batch: Batch) -> None:
        """Queue the messages that the reader has not seen. Disconnect it if its queue is full: it can reconnect and continue."""
        if batch.first <= self.seen:  # another replica was faster and sent it some of these
            unseen = [entry for entry in batch.entries if entry.id > self.seen]
            if not unseen:
                return
            batch = Batch(unseen)
        self.seen = batch.last
        self.number += len(batch.entries)
        if self.number > WAITING:
            self.end(End.TOO_SLOW)
        elif self.ended is None:
            self.waiting.append(batch)
            self.wake()
            with MEMORY.lock:
                if self.waiting and self.waiting[-1] is batch:  # most batches are sent immediately, and need no count
                    MEMORY.count_waiting(self, batch)

    def take(self) -> Batch | None:
        """Remove and return the next batch; ``None`` if the queue is empty."""
        with MEMORY.lock:
            if not self.waiting:
                return None
            batch = self.waiting.popleft()
            self.number -= len(batch.entries)
            MEMORY.count_sent(self, batch)
            return batch

    def end(self, why: End) -> None:
        """Disconnect the reader and empty its queue."""
        if self.ended is None:
            self.ended = why
            self.drop()
            self.wake()

    def drop(self) -> None:
        """Empty the queue."""
        while self.take():
            pass

    def end_as_too_slow(self) -> None:
        """Disconnect the reader, since its queue takes too much memory."""
        self.end(End.TOO_SLOW)
        self.drop()

    def wake(self) -> None:
        """Wake the reader: a batch is queued, or the reader has ended."""
        raise NotImplementedError


class Board:
    """The newest messages of a board that this process has distributed, and the readers that follow it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.followers: set[Follower] = set()
        self.recent: deque[Entry] = deque()
        self.position = 0  # the id of the last distributed message
        self.floor = 0  # all messages after this id are in ``recent``
        self.held = 0  # bytes of ``recent``

    def begin(self, rows: Sequence[Any]) -> None:
        """Start with the newest messages, at most ``RECENT``, in the order of ids."""
        self.keep(entries(rows))
        if rows:
            self.position = rows[-1].id
        if len(rows) == RECENT and not self.floor:  # not if keep() has already dropped some for lack of memory
            self.floor = rows[0].id - 1

    def take_in(self, rows: Sequence[Any]) -> list[Batch]:
        """Store the rows read after ``position``. Return the batches to put into the queue of each follower."""
        new = entries(rows)
        if not new:
            return []
        self.keep(new)
        self.position = new[-1].id
        return list(batches(new))

    def keep(self, new: Sequence[Entry]) -> None:
        """Add these to ``recent``, and drop the oldest beyond ``RECENT``."""
        self.recent.extend(new)
        MEMORY.count_recent(self, sum(entry.held for entry in new))
        self.forget_all_but(RECENT)

    def forget_all_but(self, number: int) -> None:
        """Drop the oldest messages but ``number``. A reader that is further behind gets them from the database."""
        while len(self.recent) > number:
            oldest = self.recent.popleft()
            self.floor = oldest.id
            MEMORY.count_recent(self, -oldest.held)

    def close(self) -> None:
        """Drop all messages, since no reader follows the board any more."""
        self.forget_all_but(0)

    @property
    def pause(self) -> float:
        """Seconds between two queries."""
        return min(LONGEST_WAVE_SECONDS, max(WAVE_SECONDS, len(self.followers) * READER_SECONDS))

    def join(self, follower: Follower) -> bool:
        """Add a follower and queue what it missed. Return False if that is no longer in memory. No batch may be distributed meanwhile."""
        if follower.seen < self.floor:
            return False
        if missed := [entry for entry in self.recent if entry.id > follower.seen]:
            for batch in batches(missed):
                follower.put(batch)
        self.followers.add(follower)
        return True


def skip(follower: Follower, rows: Sequence[Any], position: int) -> list[Batch]:
    """Return a page of old messages and advance the follower. ``position`` is the board's position before the page was read."""
    if rows:
        follower.seen = rows[-1].id
    if len(rows) < PAGE:  # up to ``position`` there are only deleted messages
        follower.seen = max(follower.seen, position)
    return list(batches(entries(rows)))


def opening(seen: int) -> bytes:
    """Return the start of an event stream, with its position. A client that is cut off before the first message sends that back."""
    return f"retry: {RETRY_MILLISECONDS}\nid: {seen}\n\n".encode()


def close_code(problem: Problem) -> int:
    """Return the close code of a socket for a problem that a request would get as an answer."""
    return 4000 + problem.status


def channel(board: int) -> str:
    """Return the Valkey channel for notifications about a board."""
    return f"board:{board}"


# Every process always subscribes to this channel, so that its connection always has a subscription.
ALL = "boards"


def board_of(name: bytes | str) -> int | None:
    """Return the number of a channel's board; ``None`` for another channel."""
    text = name.decode() if isinstance(name, bytes) else name
    return int(text.removeprefix("board:")) if text.startswith("board:") else None


def valkey_options(settings: CacheSettings) -> dict[str, Any]:
    """Return redis-py's options for a connection that no request waits for, with longer time-outs than the cache's."""
    return {**connection_options(settings, "chat"), "socket_connect_timeout": ANSWER_SECONDS, "socket_timeout": ANSWER_SECONDS}

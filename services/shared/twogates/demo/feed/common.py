"""Chat on a board: what a process keeps of it in memory, and what each reader is still to be sent.

A message is in the database before anybody is told of it, and what is told (feed/publishing.py) is no more than "there is something up to
this id". Whoever hears it reads from the database what it has not yet, in the order of ids, which is the order of commits
(board_statements.new_message). So a word that is lost, doubled or late changes when a message arrives, and not whether, or in which order.
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
RECENT = 200  # messages of a board that are kept: who was away for a moment, or comes from another replica, costs no query
WAITING = 500  # messages that may wait for a reader who is slower than they come
LARGEST_BATCH = 60_000  # bytes: what a reader gets in one piece, below the 64 KiB that Daphne is told to send at most
# The least time between two queries for a board. What comes meanwhile goes out together: with many readers it is the number of writes
# that fills a CPU, and not what is in them.
WAVE_SECONDS = 0.01
READER_SECONDS = 0.0002  # for each reader, so much more
LONGEST_WAVE_SECONDS = 0.04
# A board is looked at though nothing was heard: what was told may be lost. More often while nothing can be heard at all.
LOOK_SECONDS = 10.0
DEAF_SECONDS = 1.0
AGAIN_SECONDS = 0.5  # after a query that failed
HEARTBEAT_SECONDS = 15.0  # the longest silence of an event stream; Nginx gives up after 45
HEARTBEAT = b":\n\n"
RETRY_MILLISECONDS = 500  # after which a browser comes back; default some 3 s
# Valkey is asked whether it is there after so much silence, and taken for dead after as much again.
SILENCE_SECONDS = 5.0
ANSWER_SECONDS = 1.0  # to connect, and for an answer that is due


# Beyond this, the fullest board forgets, and then the slowest reader is let go. Default: 200 messages of 8 KB each for as many boards as
# somebody follows, and a service with 384 MB ends at some 180 of them.
MEMORY = Memory(48 * 1024 * 1024)


class End(IntEnum):
    """Why a socket is closed: 4000 and the HTTP status that says the same."""

    NOT_FOUND = 4404
    TOO_SLOW = 4408  # come back with the last id
    READING_ONLY = 4405
    LEAVING = 4503  # come back; servers tell their sockets themselves, with 1012


class FeedQuery(Query):
    """Where a reader goes on: after this message. None: with the next one that is posted."""

    after: Whole | None = Field(None, ge=0, le=LARGEST_ID, description=f"a whole number from 0 to {LARGEST_ID}")


def after(query: FeedQuery, last_event_id: str | None) -> int | None:
    """Where an event stream goes on; ``Last-Event-ID`` counts more, which a browser sends when it comes back to the same address."""
    if not last_event_id:
        return query.after
    if (number := whole_in_header(last_event_id, LARGEST_ID)) is not None:
        return number
    raise header_problem("Last-Event-ID", "Not the id of a message", f"a whole number from 0 to {LARGEST_ID}")


class Entry(NamedTuple):
    """A message, and its JSON."""

    id: int
    text: str
    size: int  # in bytes, as it is sent
    held: int  # in bytes of memory: up to four for each character. Python may report more later, when it caches another form


def entries(rows: Sequence[Any]) -> list[Entry]:
    """Rows of whatever library, encoded once for all readers of this process."""
    encoded = [(row.id, encode(message(row))) for row in rows]
    return [Entry(number, text := document.decode(), len(document) + 1, sys.getsizeof(text)) for number, document in encoded]


class Batch:
    """Messages that go out together, in the form of each kind of reader, made once for all of them."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        self.first, self.last = entries[0].id, entries[-1].id
        self.held = 3 * sum(entry.held for entry in entries)  # bytes of memory: its entries, and at most two of the forms below
        self.waits_for = 0  # readers who are still to be sent it

    @cached_property
    def text(self) -> str:
        """For a socket: one message with a JSON array."""
        return f"[{','.join(entry.text for entry in self.entries)}]"

    @cached_property
    def frame(self) -> bytes:
        """The same as it goes over the wire (http/frames.py)."""
        return frame(self.text.encode())

    @cached_property
    def events(self) -> bytes:
        """For an event stream."""
        return "".join(f"id: {entry.id}\ndata: {entry.text}\n\n" for entry in self.entries).encode()


def frame(payload: bytes) -> bytes:
    """A whole text message, as RFC 6455 has it from a server: not masked."""
    size = len(payload)
    head = struct.pack("!BB", 0x81, size) if size < 126 else struct.pack("!BBH", 0x81, 126, size)
    return head + payload


def batches(entries: Sequence[Entry]) -> Iterator[Batch]:
    """All of them, in pieces that no client refuses for their size."""
    begin = size = 0
    for number, entry in enumerate(entries):
        if size and size + entry.size > LARGEST_BATCH:
            yield Batch(entries[begin:number])
            begin, size = number, 0
        size += entry.size
    if size:
        yield Batch(entries[begin:])


class Follower:
    """A reader, and the messages that wait for it."""

    def __init__(self, seen: int) -> None:
        self.seen = seen
        self.waiting: deque[Batch] = deque()
        self.number = 0
        self.counted = 0  # how many of the first that wait are in MEMORY
        self.held = 0  # bytes of these
        self.ended: End | None = None

    def put(self, batch: Batch) -> None:
        """Take what it has not seen. The end of a reader for whom too much waits already: it can come back and go on where it was."""
        if batch.first <= self.seen:  # it was told by another replica, which was faster
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
                if self.waiting and self.waiting[-1] is batch:  # most are sent at once
                    MEMORY.count_waiting(self, batch)

    def take(self) -> Batch | None:
        """The next that it is to be sent."""
        with MEMORY.lock:
            if not self.waiting:
                return None
            batch = self.waiting.popleft()
            self.number -= len(batch.entries)
            MEMORY.count_sent(self, batch)
            return batch

    def end(self, why: End) -> None:
        """Let it go; what waits for it waits no longer."""
        if self.ended is None:
            self.ended = why
            self.drop()
            self.wake()

    def drop(self) -> None:
        """Forget what waits for it."""
        while self.take():
            pass

    def end_as_too_slow(self) -> None:
        """Let it go, since what waits for it takes too much memory."""
        self.end(End.TOO_SLOW)
        self.drop()

    def wake(self) -> None:
        """Something waits, or it has ended."""
        raise NotImplementedError


class Board:
    """The newest messages of a board as this process has handed them out, and who follows them."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.followers: set[Follower] = set()
        self.recent: deque[Entry] = deque()
        self.position = 0  # the last that was handed out
        self.floor = 0  # all after this one are among the recent
        self.held = 0  # bytes of the recent

    def begin(self, rows: Sequence[Any]) -> None:
        """The newest messages, at most ``RECENT``, in order."""
        self.keep(entries(rows))
        if rows:
            self.position = rows[-1].id
        if len(rows) == RECENT and not self.floor:  # unless memory was too small for all of them
            self.floor = rows[0].id - 1

    def take_in(self, rows: Sequence[Any]) -> list[Batch]:
        """Go on with what was read after ``position``: what is to be put to each follower."""
        new = entries(rows)
        if not new:
            return []
        self.keep(new)
        self.position = new[-1].id
        return list(batches(new))

    def keep(self, new: Sequence[Entry]) -> None:
        """Keep these among the recent, and forget what is more than that."""
        self.recent.extend(new)
        MEMORY.count_recent(self, sum(entry.held for entry in new))
        self.forget_all_but(RECENT)

    def forget_all_but(self, number: int) -> None:
        """Forget the oldest of the recent; a reader who is that far behind gets them from the database."""
        while len(self.recent) > number:
            oldest = self.recent.popleft()
            self.floor = oldest.id
            MEMORY.count_recent(self, -oldest.held)

    def close(self) -> None:
        """Keep nothing more: it is followed no longer."""
        self.forget_all_but(0)

    @property
    def pause(self) -> float:
        """Seconds between two queries."""
        return min(LONGEST_WAVE_SECONDS, max(WAVE_SECONDS, len(self.followers) * READER_SECONDS))

    def join(self, follower: Follower) -> bool:
        """Let it follow, with what it has missed; not if that reaches too far back. Nothing is handed out while this runs."""
        if follower.seen < self.floor:
            return False
        if missed := [entry for entry in self.recent if entry.id > follower.seen]:
            for batch in batches(missed):
                follower.put(batch)
        self.followers.add(follower)
        return True


def skip(follower: Follower, rows: Sequence[Any], position: int) -> list[Batch]:
    """A page of what it missed long ago, and where it goes on. The board was at ``position`` before the page was read."""
    if rows:
        follower.seen = rows[-1].id
    if len(rows) < PAGE:  # there is nothing up to there but what was deleted
        follower.seen = max(follower.seen, position)
    return list(batches(entries(rows)))


def opening(seen: int) -> bytes:
    """How an event stream begins: with where it is, which a client that is cut off before the first message sends back."""
    return f"retry: {RETRY_MILLISECONDS}\nid: {seen}\n\n".encode()


def close_code(problem: Problem) -> int:
    """What a socket is told where a request would get a problem."""
    return 4000 + problem.status


def channel(board: int) -> str:
    """Where the messages of a board are told of."""
    return f"board:{board}"


# To this one each process listens always, so that its connection is never without one.
ALL = "boards"


def board_of(name: bytes | str) -> int | None:
    """The board that a channel is for."""
    text = name.decode() if isinstance(name, bytes) else name
    return int(text.removeprefix("board:")) if text.startswith("board:") else None


def valkey_options(settings: CacheSettings) -> dict[str, Any]:
    """What redis-py is told of a connection for which no request waits: more patience than the cache's."""
    return {**connection_options(settings, "chat"), "socket_connect_timeout": ANSWER_SECONDS, "socket_timeout": ANSWER_SECONDS}

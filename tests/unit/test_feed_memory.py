"""Boards and slow readers hold a limited number of bytes in a process (feed/memory.py)."""

import itertools
from collections import deque
from types import SimpleNamespace
from typing import Any

import pytest

from twogates.demo.feed import common as feed_common
from twogates.demo.feed.common import RECENT, Batch, Board, End, Entry, Follower
from twogates.demo.feed.memory import Memory

MEGA = 1 << 20
LONGEST = "\N{GRINNING FACE}" * 2000  # 8 KB in memory, and as many bytes on the wire
IDS = itertools.count(1)


@pytest.fixture(autouse=True)
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    """A separate memory limit, large enough for a single full board."""
    made = Memory(4 * MEGA)
    monkeypatch.setattr(feed_common, "MEMORY", made)
    # The rows of these tests are entries already.
    monkeypatch.setattr(feed_common, "entries", lambda rows: [Entry(row.id, row.text, 8000, 8080) for row in rows])
    return made


def rows(number: int) -> list[Any]:
    return [SimpleNamespace(id=next(IDS), text=LONGEST + str(index)) for index in range(number)]


class Reader(Follower):
    """A reader that takes its queue only when a test says so."""

    def wake(self) -> None:
        pass


class Fast(Follower):
    """A reader that takes everything immediately."""

    def __init__(self, seen: int) -> None:
        super().__init__(seen)
        self.got: deque[Batch] = deque()

    def wake(self) -> None:
        while batch := self.take():
            self.got.append(batch)


def test_full_boards_keep_no_more_than_there_is_room_for(memory: Memory) -> None:
    boards = [Board(number) for number in range(100)]
    for board in boards:
        board.begin(rows(RECENT))
        assert memory.held <= memory.most
    assert memory.held == sum(entry.held for board in boards for entry in board.recent) > memory.most / 3


def test_a_reader_from_before_what_is_kept_asks_the_database(memory: Memory) -> None:
    board, others = Board(1), [Board(number) for number in range(2, 9)]
    first = rows(RECENT)
    board.begin(first)
    for other in others:
        other.begin(rows(RECENT))
    assert len(board.recent) < RECENT
    assert board.position == first[-1].id
    kept = [entry.id for entry in board.recent]
    assert not board.join(Reader(first[0].id))
    joined = Reader(board.floor)
    assert board.join(joined)
    assert [entry.id for batch in joined.waiting for entry in batch.entries] == kept


def test_the_slowest_reader_is_let_go_and_the_others_miss_nothing(memory: Memory) -> None:
    board = Board(1)
    slow, fast = [Reader(0) for _ in range(3)], Fast(0)
    board.followers.update([*slow, fast])
    sent = []
    for _ in range(20):  # 400 messages, fewer than WAITING
        new = rows(20)
        sent += [row.id for row in new]
        for batch in board.take_in(new):
            for follower in board.followers:
                follower.put(batch)
        assert memory.held <= memory.most
    assert {follower.ended for follower in slow} == {End.TOO_SLOW}
    assert not any(follower.waiting for follower in slow)
    assert fast.ended is None
    assert [entry.id for batch in fast.got for entry in batch.entries] == sent


def test_nothing_is_counted_when_all_have_left(memory: Memory) -> None:
    board = Board(1)
    readers = [Reader(0) for _ in range(3)]
    board.followers.update(readers)
    for batch in board.take_in(rows(60)):
        for follower in board.followers:
            follower.put(batch)
    assert memory.held > sum(entry.held for entry in board.recent)  # queued batches count, too
    held = memory.held
    readers[0].take()
    assert memory.held == held  # the other readers still queue the same batch
    while readers[1].take():
        pass
    for reader in readers:
        reader.end(End.LEAVING)
    assert memory.held == sum(entry.held for entry in board.recent)
    board.close()
    assert (memory.held, memory.boards, memory.slow) == (0, set(), set())

"""How much memory messages may take in a process: those that boards keep, and those that wait for readers who are slow."""

import threading
from collections.abc import Sized
from typing import Protocol


class Board(Protocol):
    """A board, which keeps its newest messages."""

    held: int  # bytes

    @property
    def recent(self) -> Sized:
        """The messages that it keeps."""

    def forget_all_but(self, number: int) -> None:
        """Keep no more than the newest ``number``."""


class Follower(Protocol):
    """A reader, for whom batches wait."""

    held: int  # bytes of those batches
    counted: int  # how many there are

    def end_as_too_slow(self) -> None:
        """Disconnect."""


class Batch(Protocol):
    """Messages that readers of one board share."""

    held: int  # bytes
    waits_for: int  # readers


class Memory:
    """The bytes that all boards and readers of this process hold, at most ``most`` of them.

    Readers of gthread workers run in threads of their own: what changes a reader's queue holds the lock.
    """

    def __init__(self, most: int) -> None:
        self.most, self.held = most, 0
        self.boards: set[Board] = set()
        self.slow: set[Follower] = set()
        self.lock = threading.RLock()

    def count_recent(self, board: Board, held: int) -> None:
        """A board keeps this many bytes more; fewer, where it is negative."""
        with self.lock:
            board.held += held
            self.held += held
            if held > 0:
                self.boards.add(board)
                self.reduce()
            elif not board.held:
                self.boards.discard(board)

    def count_waiting(self, follower: Follower, batch: Batch) -> None:
        """A batch waits for a reader. Readers of the same board share it, so it counts once."""
        with self.lock:
            follower.counted += 1
            follower.held += batch.held
            self.slow.add(follower)
            batch.waits_for += 1
            if batch.waits_for == 1:
                self.held += batch.held
                self.reduce()

    def count_sent(self, follower: Follower, batch: Batch) -> None:
        """A batch no longer waits for a reader. One that never had to wait was not counted."""
        with self.lock:
            if not follower.counted:
                return
            follower.counted -= 1
            follower.held -= batch.held
            if not follower.counted:
                self.slow.discard(follower)
            batch.waits_for -= 1
            if not batch.waits_for:
                self.held -= batch.held

    def reduce(self) -> None:
        """Make room: what boards keep can be read from the database again; after that a slow reader has to come back."""
        while self.held > self.most and self.boards:
            board = max(self.boards, key=lambda board: board.held)
            board.forget_all_but(len(board.recent) // 2)
        while self.held > self.most and self.slow:
            max(self.slow, key=lambda follower: follower.held).end_as_too_slow()

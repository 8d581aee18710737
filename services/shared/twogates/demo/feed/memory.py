"""The memory limit of a process for messages: those that boards keep, and those in the queues of slow readers."""

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
    """A reader with a queue of batches."""

    held: int  # bytes of the counted batches
    counted: int  # number of counted batches

    def end_as_too_slow(self) -> None:
        """Disconnect."""


class Batch(Protocol):
    """Messages that readers of one board share."""

    held: int  # bytes
    waits_for: int  # number of readers that have it in their queue


class Memory:
    """The bytes that all boards and readers of this process hold, at most ``most`` of them.

    In gthread workers each reader runs in its own thread, so code that changes a reader's queue holds the lock.
    """

    def __init__(self, most: int) -> None:
        self.most, self.held = most, 0
        self.boards: set[Board] = set()
        self.slow: set[Follower] = set()
        self.lock = threading.RLock()

    def count_recent(self, board: Board, held: int) -> None:
        """Count ``held`` more bytes that a board keeps; fewer if ``held`` is negative."""
        with self.lock:
            board.held += held
            self.held += held
            if held > 0:
                self.boards.add(board)
                self.reduce()
            elif not board.held:
                self.boards.discard(board)

    def count_waiting(self, follower: Follower, batch: Batch) -> None:
        """Count a batch in a reader's queue. Readers of a board share the batch, so its bytes count once."""
        with self.lock:
            follower.counted += 1
            follower.held += batch.held
            self.slow.add(follower)
            batch.waits_for += 1
            if batch.waits_for == 1:
                self.held += batch.held
                self.reduce()

    def count_sent(self, follower: Follower, batch: Batch) -> None:
        """Uncount a batch that has left a reader's queue. A batch that was sent immediately was never counted."""
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
        """Free memory. First drop messages of boards, which the database still has; then disconnect slow readers, which can reconnect."""
        while self.held > self.most and self.boards:
            board = max(self.boards, key=lambda board: board.held)
            board.forget_all_but(len(board.recent) // 2)
        while self.held > self.most and self.slow:
            max(self.slow, key=lambda follower: follower.held).end_as_too_slow()

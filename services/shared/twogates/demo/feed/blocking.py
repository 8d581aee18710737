"""The boards that this process follows, with one thread that listens for all readers. Compare feed/asynchronous.py."""

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from time import monotonic, sleep
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.client import PubSub
from redis.exceptions import RedisError
from redis.retry import Retry

from twogates.demo.feed import common as feed_common
from twogates.demo.feed.common import ALL, Batch, Board, End, Follower, board_of, channel, skip, valkey_options
from twogates.http.problems import Problem
from twogates.server.settings import CacheSettings

log = logging.getLogger(__name__)


class EventReader(Follower):
    """The reader of an event stream, which requests each next batch."""

    def __init__(self, seen: int) -> None:
        super().__init__(seen)
        self.something: queue.SimpleQueue[None] = queue.SimpleQueue()

    def wake(self) -> None:
        self.something.put(None)  # one item per batch, and one for the end

    def next(self, seconds: float) -> Batch | None:
        """Return the next batch; ``None`` if none arrives within that many seconds."""
        try:
            self.something.get(timeout=max(0.0, seconds))
        except queue.Empty:
            return None
        return self.take()


class Feeds:
    """All boards that this process follows. ``newest`` and ``after`` query the database; they raise the 404 answer.

    The thread starts with the first reader, since a process forked from this one would not have the thread.
    """

    def __init__(self, settings: CacheSettings, newest: Callable[[int], Any], after: Callable[[int, int], Any]) -> None:
        self.settings, self.newest, self.after = settings, newest, after
        self.boards: dict[int, Board] = {}
        self.told: set[int] = set()
        self.looked: dict[int, float] = {}
        self.lock = threading.RLock()  # guards all attributes of this object, and the boards
        self.pubsub: PubSub | None = None
        self.thread: threading.Thread | None = None

    def open(self, board: int) -> Board:
        """Return the board, and follow it from now on if it is new here. Raises the 404 and 503 answers."""
        with self.lock:
            if board not in self.boards:
                opened = Board(board)
                opened.begin(self.newest(board))
                self.boards[board] = opened
                self.looked[board] = monotonic()
                if self.pubsub:
                    with suppress(RedisError, OSError):  # a dead connection: run() notices, reconnects and subscribes to all boards
                        self.pubsub.subscribe(channel(board))
            if self.thread is None:
                self.thread = threading.Thread(target=self.run, name="feeds", daemon=True)
                self.thread.start()
            return self.boards[board]

    def start(self, board: int, after: int | None) -> int:
        """Return the id after which a reader begins: the one that it names, else the newest."""
        position = self.open(board).position
        return position if after is None else after

    def catch_up(self, board: int, follower: Follower) -> Iterator[Batch]:
        """Yield old messages, page by page, until the reader can follow the board. The recent ones are then already in its queue."""
        while True:
            with self.lock:
                opened = self.open(board)
                if opened.join(follower):
                    return
                position = opened.position
            yield from skip(follower, self.after(board, follower.seen), position)

    def leave(self, board: int, follower: Follower) -> None:
        """Remove a reader that has disconnected."""
        with self.lock:
            follower.drop()
            if opened := self.boards.get(board):
                opened.followers.discard(follower)

    def run(self) -> None:
        """Listen for notifications, and reconnect whenever the connection breaks."""
        failing = False
        while True:
            client = Redis.from_url(self.settings.cache_url, retry=Retry(NoBackoff(), 0), **valkey_options(self.settings))
            try:
                with client, PubSub(client.connection_pool) as pubsub:
                    with self.lock:
                        pubsub.subscribe(ALL, *map(channel, self.boards))
                        self.pubsub = pubsub
                    failing = False
                    self.listen(pubsub)
            except (RedisError, OSError) as error:
                if not failing:
                    log.error("nothing is heard of messages: %s", error)
                failing = True
            with self.lock:
                self.pubsub = None
            self.read_on(feed_common.DEAF_SECONDS)
            sleep(feed_common.DEAF_SECONDS)

    def listen(self, pubsub: PubSub) -> None:
        """Receive notifications until the connection is dead."""
        heard = looked = monotonic()
        asked = False
        while True:
            message = pubsub.get_message(timeout=feed_common.WAVE_SECONDS if self.told else 1.0)
            now = monotonic()
            if message:
                heard, asked = now, False
                self.hear(message)
            elif now - heard > 2 * feed_common.SILENCE_SECONDS:
                raise TimeoutError("it is silent")
            elif now - heard > feed_common.SILENCE_SECONDS and not asked:
                asked = True
                pubsub.ping()
            if now - looked >= feed_common.WAVE_SECONDS:
                looked = now
                self.read_on(feed_common.LOOK_SECONDS)

    def hear(self, message: dict[str, Any]) -> None:
        """Handle a message from Valkey. A confirmed subscription also causes a read, since earlier notifications may have been missed."""
        if message["type"] in ("subscribe", "message") and (number := board_of(message["channel"])) is not None:
            opened = self.boards.get(number)
            if opened and (message["type"] == "subscribe" or int(message["data"]) > opened.position):
                self.told.add(number)

    def read_on(self, patience: float) -> None:
        """Read and distribute new messages of boards with a notification, and of boards not read for ``patience`` seconds."""
        now = monotonic()
        for number in [number for number, looked in self.looked.items() if number in self.told or now - looked > patience]:
            self.looked[number] = now
            try:
                self.read_board(self.boards[number], number in self.told)
            except Problem as problem:
                if problem.status == 404:
                    self.forget(number, End.NOT_FOUND)
            except Exception:
                log.exception("a board cannot be read")

    def read_board(self, board: Board, told: bool) -> None:
        """Read one board and distribute its new messages. Stop following it if it has no readers and no notification."""
        if not told and not board.followers:
            self.forget(board.number, End.LEAVING)
            return
        while rows := self.after(board.number, board.position):
            with self.lock:
                for batch in board.take_in(rows):
                    for follower in board.followers:
                        follower.put(batch)
            if len(rows) < feed_common.PAGE:
                break
        self.told.discard(board.number)

    def forget(self, number: int, why: End) -> None:
        """Stop following a board, and end its readers."""
        with self.lock:
            for follower in self.boards[number].followers:
                follower.end(why)
            self.boards[number].close()
            del self.boards[number], self.looked[number]
            self.told.discard(number)
            if self.pubsub:
                with suppress(RedisError, OSError):
                    self.pubsub.unsubscribe(channel(number))  # type: ignore[no-untyped-call]

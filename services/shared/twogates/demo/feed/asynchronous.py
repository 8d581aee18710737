"""The boards that this process follows, on its event loop. Compare feed/blocking.py.

Django too uses redis-py and not a channel layer of Channels. The feed needs one subscription per process, and must know when it was
interrupted. A channel layer has one channel per socket, and silently drops its messages when a hundred are queued.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from contextvars import Context
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from twogates.demo.feed import common as feed_common
from twogates.demo.feed.common import ALL, Batch, Board, End, Follower, board_of, channel, skip, valkey_options
from twogates.http.frames import Write
from twogates.http.problems import Problem
from twogates.server import shutdown
from twogates.server.settings import CacheSettings

log = logging.getLogger(__name__)

QUERIES = 4  # concurrent; the other connections of the pool are for requests
READERS_IN_A_ROW = 50  # written to before the event loop runs other tasks


class EventReader(Follower):
    """The reader of an event stream, which requests each next batch."""

    def __init__(self, seen: int) -> None:
        super().__init__(seen)
        self.something = asyncio.Event()

    def wake(self) -> None:
        self.something.set()

    async def next(self, seconds: float) -> Batch | None:
        """Return the next batch; ``None`` if none arrives within that many seconds."""
        if not self.waiting and self.ended is None:
            self.something.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self.something.wait()
        return self.take()


class SocketReader(Follower):
    """The reader of a WebSocket. Batches are written immediately; only if a write would block does the reader need a task."""

    def __init__(self, seen: int, write: Write, send: Callable[[str], Awaitable[None]], close: Callable[[int], Awaitable[None]]) -> None:
        super().__init__(seen)
        self.write, self.send, self.close = write, send, close
        self.sending: asyncio.Task[None] | None = None

    def wake(self) -> None:
        if self.sending is not None and not self.sending.done():
            return
        while self.waiting and self.write(self.waiting[0].frame):
            self.take()
        if self.waiting or self.ended is not None:
            self.sending = asyncio.create_task(self.send_all(), context=Context())

    async def send_all(self) -> None:
        """Send the queue at the client's speed. If the reader has ended, close the socket with the reason."""
        try:
            while batch := self.take():
                await self.send(batch.text)
            if self.ended:
                await self.close(int(self.ended))  # autobahn rejects an IntEnum
        except Exception:  # usually a disconnect, for which each framework has its own class; the view is notified too
            log.debug("a socket cannot be written to", exc_info=True)
            self.ended = self.ended or End.LEAVING
            self.drop()
            with suppress(Exception):
                await self.close(int(End.LEAVING))


class Feed(Board):
    """A board that this process follows: after a notification, one query for all its readers."""

    def __init__(self, number: int, feeds: "Feeds") -> None:
        super().__init__(number)
        self.feeds = feeds
        self.told = asyncio.Event()
        self.task = asyncio.create_task(self.run(), context=Context())  # belongs to no request, so logs no request id
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        try:
            self.begin(await self.feeds.read(self.feeds.newest, self.number))
        except Exception as error:
            del self.feeds.boards[self.number]
            self.close()
            self.ready.set_exception(error)
            self.ready.exception()  # marks it as retrieved: asyncio must not log it if no reader waits any more
            return
        self.ready.set_result(None)
        self.feeds.listener.follow(self.number)
        try:
            while await self.news() or self.followers:
                await self.read_on()
        finally:
            del self.feeds.boards[self.number]
            self.close()
            self.feeds.listener.unfollow(self.number)

    async def news(self) -> bool:
        """Wait for a notification, or until the board must be polled. Return True if there was a notification."""
        with suppress(TimeoutError):
            async with asyncio.timeout(feed_common.LOOK_SECONDS if self.feeds.listener.hears else feed_common.DEAF_SECONDS):
                await self.told.wait()
        return self.told.is_set()

    async def read_on(self) -> None:
        """Read the new messages and distribute them."""
        self.told.clear()
        try:
            while len(rows := await self.feeds.read(self.feeds.after, self.number, self.position)):
                await self.hand_out(self.take_in(rows))
                if len(rows) < feed_common.PAGE:
                    break
            await asyncio.sleep(self.pause)
        except Exception as error:
            if isinstance(error, Problem) and error.status == 404:
                for follower in tuple(self.followers):
                    follower.end(End.NOT_FOUND)
                self.followers.clear()
                return
            if not isinstance(error, Problem):
                log.exception("a board cannot be read")
            self.told.set()
            await asyncio.sleep(feed_common.AGAIN_SECONDS)

    async def hand_out(self, batches: Sequence[Batch]) -> None:
        for batch in batches:
            for number, follower in enumerate(tuple(self.followers), 1):
                follower.put(batch)
                if number % READERS_IN_A_ROW == 0:
                    await asyncio.sleep(0)


class Feeds:
    """All boards that this process follows. ``newest`` and ``after`` query the database; they raise the 404 answer."""

    def __init__(
        self, settings: CacheSettings, newest: Callable[[int], Awaitable[Any]], after: Callable[[int, int], Awaitable[Any]]
    ) -> None:
        self.newest, self.after = newest, after
        self.boards: dict[int, Feed] = {}
        self.listener = Listener(settings, self.boards)
        self.queries = asyncio.Semaphore(QUERIES)
        shutdown.CALLS.append(self.end)

    async def read(self, query: Callable[..., Awaitable[Any]], *arguments: int) -> Any:
        """Query the database, with at most ``QUERIES`` concurrent queries."""
        async with self.queries:
            return await query(*arguments)

    async def open(self, board: int) -> Feed:
        """Return the board, and follow it from now on if it is new here. Raises the 404 and 503 answers."""
        feed = self.boards.get(board)
        if feed is None:
            feed = self.boards[board] = Feed(board, self)
        await asyncio.shield(feed.ready)
        return feed

    async def start(self, board: int, after: int | None) -> int:
        """Return the id after which a reader begins: the one that it names, else the newest."""
        position = (await self.open(board)).position
        return position if after is None else after

    async def catch_up(self, board: int, follower: Follower) -> AsyncIterator[Batch]:
        """Yield old messages, page by page, until the reader can follow the board. The recent ones are then already in its queue."""
        while not (feed := await self.open(board)).join(follower):
            position = feed.position
            for batch in skip(follower, await self.read(self.after, board, follower.seen), position):
                yield batch
        if shutdown.left():
            follower.end(End.LEAVING)

    def leave(self, board: int, follower: Follower) -> None:
        """Remove a reader that has disconnected."""
        follower.drop()
        if feed := self.boards.get(board):
            feed.followers.discard(follower)

    async def close(self) -> None:
        """Stop all tasks that follow boards or listen to Valkey."""
        tasks = [task for task in (self.listener.task, *(feed.task for feed in self.boards.values())) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def end(self) -> None:
        """End event streams when this process shuts down. The server closes the sockets itself."""
        for feed in self.boards.values():
            for follower in tuple(feed.followers):
                if isinstance(follower, EventReader):
                    follower.end(End.LEAVING)


class Listener:
    """One connection to Valkey for all boards of this process."""

    def __init__(self, settings: CacheSettings, boards: dict[int, Feed]) -> None:
        self.settings, self.boards = settings, boards
        self.followed: set[int] = set()
        self.pubsub: PubSub | None = None
        self.hears = False
        self.task: asyncio.Task[None] | None = None
        self.saying: set[asyncio.Task[None]] = set()

    def follow(self, board: int) -> None:
        """Subscribe to a board. When Valkey confirms, the board is read, since earlier notifications may have been missed."""
        self.followed.add(board)
        if self.task is None:
            self.task = asyncio.create_task(self.run(), context=Context())
        elif self.pubsub:
            self.say(self.pubsub.subscribe(channel(board)))

    def unfollow(self, board: int) -> None:
        self.followed.discard(board)
        if self.pubsub:
            self.say(self.pubsub.unsubscribe(channel(board)))

    def say(self, words: Awaitable[Any]) -> None:
        """Send a command in a task. If it fails, the connection is dead: run() notices, reconnects and subscribes to all boards."""

        async def said() -> None:
            with suppress(RedisError, OSError):
                await words

        task = asyncio.create_task(said())
        self.saying.add(task)
        task.add_done_callback(self.saying.discard)

    async def run(self) -> None:
        """Listen for notifications, and reconnect whenever the connection breaks."""
        pause = 0.0
        while True:
            await asyncio.sleep(pause)
            client = Redis.from_url(self.settings.cache_url, retry=Retry(NoBackoff(), 0), **valkey_options(self.settings))
            try:
                async with client, client.pubsub() as pubsub:
                    await pubsub.subscribe(ALL)
                    self.pubsub, pause = pubsub, 0.0  # from here on, follow() subscribes directly
                    if self.followed:
                        await pubsub.subscribe(*map(channel, self.followed))
                    await self.listen(pubsub)
            except (RedisError, OSError, TimeoutError) as error:
                if self.hears or not pause:
                    log.error("nothing is heard of messages: %s", error)
            self.pubsub, self.hears = None, False
            for feed in self.boards.values():
                feed.told.set()  # notifications may be missed from now on, so read every board
            pause = min(1.0, 2 * pause or 0.1)

    async def listen(self, pubsub: PubSub) -> None:
        """Receive notifications until the connection is dead."""
        asked = False
        while True:
            message = await pubsub.get_message(timeout=feed_common.SILENCE_SECONDS)
            if message is None:
                if asked:
                    raise TimeoutError("it is silent")
                asked = True
                await pubsub.ping()
                continue
            asked, self.hears = False, True
            if message["type"] in ("subscribe", "message") and (number := board_of(message["channel"])) is not None:
                feed = self.boards.get(number)
                if feed and (message["type"] == "subscribe" or int(message["data"]) > feed.position):
                    feed.told.set()

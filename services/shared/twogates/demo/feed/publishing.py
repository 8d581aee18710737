"""Notifications about new messages to every process of all services, through Valkey, without blocking a request.

In all three services a thread publishes. A request only queues the message's id and continues. Valkey may be slow, paused or down, or its
host name may not resolve: no request notices, and no event loop waits. Unsent notifications are sent when Valkey is back. Listeners also
poll the database (feed/common.py).
"""

import atexit
import logging
import threading
from time import sleep

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from twogates.demo.feed.common import channel, valkey_options
from twogates.server.settings import CacheSettings

log = logging.getLogger(__name__)

RETRY_SECONDS = 0.5
LAST_SECONDS = 0.2  # for unsent notifications when the process exits


class Publisher:
    """The queue of notifications. It holds one number per board, the newest message's id, however long Valkey is down."""

    def __init__(self, settings: CacheSettings) -> None:
        self.settings = settings
        self.untold: dict[int, int] = {}
        self.some = threading.Event()
        self.all_told = threading.Event()
        self.lock = threading.Lock()
        self.thread: threading.Thread | None = None

    def announce(self, location: str) -> None:
        """Queue a notification for the message at ``/boards/{board}/messages/{message}``, after its commit. Does not block."""
        _, _, board, _, message = location.split("/")
        self.add({int(board): int(message)})
        if self.thread is None:
            self.begin()

    def add(self, told: dict[int, int]) -> None:
        with self.lock:
            for board, message in told.items():
                self.untold[board] = max(message, self.untold.get(board, 0))
            self.all_told.clear()
            self.some.set()

    def begin(self) -> None:
        """Start the thread, at the first use: a process forked from this one would not have it."""
        with self.lock:
            if self.thread is None:
                self.thread = threading.Thread(target=self.run, name="publisher", daemon=True)
                self.thread.start()
                atexit.register(self.all_told.wait, LAST_SECONDS)

    def run(self) -> None:
        """Publish queued notifications, for ever."""
        client = Redis.from_url(self.settings.cache_url, retry=Retry(NoBackoff(), 0), **valkey_options(self.settings))
        failing = False
        while self.some.wait():
            with self.lock:
                told, self.untold = self.untold, {}
                self.some.clear()
            try:
                with client.pipeline(transaction=False) as pipe:
                    for board, message in told.items():
                        pipe.publish(channel(board), message)
                    pipe.execute()
            except (RedisError, OSError) as error:
                if not failing:
                    log.error("messages cannot be told of: %s", error)
                failing = True
                self.add(told)
                sleep(RETRY_SECONDS)
                continue
            failing = False
            with self.lock:
                if not self.untold:
                    self.all_told.set()

"""Publish an event twice a second, the same for all viewers. While there is no viewer, nothing is computed."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator

from access_log import AccessLog
from processes import Processes
from traffic import Traffic

from twogates.demo.settings import LiveSettings
from twogates.http.payloads import encode
from twogates.server import shutdown

log = logging.getLogger(__name__)

EVERY_SECONDS = 0.5
LOOKS = 10  # how often the processes are sampled for each event
LOAD_SECONDS = 3.0  # after which the status of a load generator expires
IDLE_SECONDS = 1.0  # between two checks of the log's length, while there is no viewer


class Watching:
    """The state of the live view. The task ``keep_looking`` updates it."""

    def __init__(self, settings: LiveSettings) -> None:
        # Flask has one slot per thread; an event loop has no fixed number of slots.
        self.threads = {"flask": settings.flask_threads, "fastapi": None, "django": None}
        self.log = AccessLog(settings.live_folder / "access.log")
        self.processes = Processes(settings.live_folder)
        self.traffic = Traffic()
        self.watchers = 0
        self.somebody = asyncio.Event()
        self.news: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.load: dict[str, object] | None = None
        self.load_said = 0.0

    async def events(self) -> AsyncGenerator[bytes]:
        """Yield each event from now on to one viewer, until this process shuts down. A viewer that reads slowly misses events."""
        self.watchers += 1
        self.somebody.set()
        try:
            while not shutdown.left():
                yield await asyncio.shield(self.news)
        finally:
            self.watchers -= 1
            if not self.watchers:
                self.somebody.clear()

    def publish(self, event: bytes) -> None:
        """Send an event to all viewers."""
        news, self.news = self.news, asyncio.get_running_loop().create_future()
        news.set_result(event)

    async def keep_looking(self) -> None:
        """Update the live view for as long as this process runs, and continue after an error."""
        while True:
            try:
                await (self.look() if self.watchers else self.rest())
            except Exception:
                log.exception("the live view goes on after an error")
                await asyncio.sleep(IDLE_SECONDS)

    async def rest(self) -> None:
        """Wait up to ``IDLE_SECONDS`` for a viewer. Start with fresh data when one has connected."""
        self.log.cut()
        try:
            await asyncio.wait_for(self.somebody.wait(), IDLE_SECONDS)
        except TimeoutError:
            return
        self.log.go_back()
        self.traffic = Traffic()
        self.processes = Processes(self.processes.folder)

    async def look(self) -> None:
        """Collect data for half a second, then publish one event."""
        due = time.monotonic()
        for _ in range(LOOKS):
            due += EVERY_SECONDS / LOOKS
            await asyncio.sleep(due - time.monotonic())
            self.processes.look(time.time())
        self.traffic.add(self.log.new_lines())
        self.log.cut()
        self.publish(encode(self.event(time.time())))

    def event(self, now: float) -> dict[str, object]:
        """Return the content of an event at the time ``now``, in seconds since 1970."""
        self.traffic.forget(now)
        return {
            "time": round(now, 3),
            "load": self.load if now - self.load_said < LOAD_SECONDS else None,
            "services": {
                name: self.traffic.numbers(name, now) | self.processes.numbers(name, threads) for name, threads in self.threads.items()
            },
        }

    def say_load(self, load: dict[str, object]) -> None:
        """Store the status of a load generator that is running."""
        self.load, self.load_said = load, time.time()

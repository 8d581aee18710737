"""A clock that is accurate to about 50 microseconds. The event loop's own timers round up to the next millisecond."""

from collections import deque
from collections.abc import Callable, Iterator
from time import perf_counter

import gevent
from gevent import monkey
from gevent.event import Event
from gevent.threadpool import ThreadPool

# The system's sleep, for the thread. gevent has replaced time.sleep by its own.
thread_sleep = monkey.get_original("time", "sleep")
LONGEST_SLEEP_SECONDS = 0.1


class Clock:
    """Wakes the event loop from a separate thread, at moments that are ``pause()`` seconds apart."""

    def __init__(self, pause: Callable[[], float]) -> None:
        self.pause = pause
        self.due: deque[float] = deque()
        self.stopped = False
        self.wakes = Event()
        self.wake = gevent.get_hub().loop.async_()
        self.wake.start(self.wakes.set)
        self.thread = ThreadPool(1)
        self.thread.spawn(self.run)

    def run(self) -> None:
        """In the thread: sleep, record the moment, wake the loop."""
        due = perf_counter()
        while not self.stopped:
            due += self.pause()
            while (left := due - perf_counter()) > 0 and not self.stopped:
                thread_sleep(min(left, LONGEST_SLEEP_SECONDS))
            self.due.append(due)
            self.wake.send()

    def until(self, over: Event) -> Iterator[float]:
        """Yield each moment, in seconds of perf_counter, when it has come, until ``over`` is set."""
        over.rawlink(lambda _: self.wakes.set())
        while not over.is_set():
            self.wakes.wait()
            self.wakes.clear()
            while self.due and not over.is_set():
                yield self.due.popleft()

    def stop(self) -> None:
        """Stop the thread."""
        self.stopped = True
        self.thread.join()
        self.thread.kill()
        self.wake.stop()
        self.wake.close()

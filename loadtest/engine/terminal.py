"""Progress output and Ctrl-C handling."""

import signal
import sys
from collections.abc import Callable
from typing import TypeVar

import gevent
from rich.console import Console
from rich.live import Live
from rich.text import Text

from runtime.servers import interruptible_now

Result = TypeVar("Result")


class Progress:
    """On a terminal, one line that changes; elsewhere, one line for each completed experiment. Written to standard error."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        # No automatic refresh: this process makes the load, and its CPU time is measured.
        self.live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
        if self.live:
            self.live.start()

    def __call__(self, topic: str, text: str) -> None:
        """Show what is under way, if the output is a terminal."""
        if self.live:
            self.live.update(Text(f"{topic}: {text}", overflow="ellipsis", no_wrap=True), refresh=True)

    def line(self, text: str, lasting: bool = False) -> None:
        """Print a line; on a terminal only a ``lasting`` one, above the line that changes."""
        if not self.live:
            print(text, file=sys.stderr, flush=True)
        elif lasting:
            self.live.console.print(text, markup=False, highlight=False)

    def end(self) -> None:
        """Restore the terminal."""
        if self.live:
            self.live.update("", refresh=True)
            self.live.stop()


class InterruptError(Exception):
    """The operator pressed Ctrl-C, or this process got SIGTERM."""


def interruptible(job: Callable[[], Result]) -> Result:
    """Run ``job`` so that Ctrl-C and SIGTERM raise InterruptError in it, whichever greenlet runs at that moment.

    Python's own KeyboardInterrupt would end the greenlet that happens to run, mostly one of Locust's. The handlers are Python's
    and not gevent's, because runtime.servers.uninterrupted replaces and restores them when it holds signals back.
    """
    greenlet = gevent.spawn(outcome, job)
    loop = gevent.get_hub().loop
    timer = loop.timer(0.01)

    def interrupt() -> None:
        """Raise InterruptError in the job, or try again later while signals are held back (a server is being started).

        This runs in the hub, where nothing else runs between the check and the exception.
        """
        if interruptible_now():
            greenlet.throw(InterruptError)
        else:
            timer.start(interrupt)

    before = {number: signal.signal(number, lambda *_: loop.run_callback(interrupt)) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        result: Result | Exception = greenlet.get()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if isinstance(result, Exception):
        raise result
    return result


def outcome(job: Callable[[], Result]) -> Result | Exception:
    """Return the result of ``job``, or the exception that it raised: gevent prints an exception that leaves a greenlet."""
    try:
        return job()
    except KeyboardInterrupt:  # from a signal that was held back
        return InterruptError()
    except Exception as error:
        return error

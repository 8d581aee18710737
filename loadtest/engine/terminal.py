"""Progress for whoever waits, and Ctrl-C."""

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
    """One line that changes on a terminal; elsewhere a line for each experiment that is done. On standard error."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        # No refresh of its own: this process makes the load, and its CPU time is measured.
        self.live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
        if self.live:
            self.live.start()

    def __call__(self, topic: str, text: str) -> None:
        """Show what is under way, where a line can be drawn again."""
        if self.live:
            self.live.update(Text(f"{topic}: {text}", overflow="ellipsis", no_wrap=True), refresh=True)

    def line(self, text: str, lasting: bool = False) -> None:
        """Print a line; on a terminal only one that is ``lasting``, above the one that changes."""
        if not self.live:
            print(text, file=sys.stderr, flush=True)
        elif lasting:
            self.live.console.print(text, markup=False, highlight=False)

    def end(self) -> None:
        """Leave the terminal as it was."""
        if self.live:
            self.live.update("", refresh=True)
            self.live.stop()


class InterruptError(Exception):
    """Somebody pressed Ctrl-C."""


def interruptible(job: Callable[[], Result]) -> Result:
    """Run ``job`` so that Ctrl-C and SIGTERM raise InterruptError in it, whatever greenlet is at work at that moment.

    Python's own KeyboardInterrupt would end the greenlet that happens to run, mostly one of Locust's. The handlers are
    Python's and not gevent's: what holds signals back for a moment (runtime.servers.uninterrupted) puts them back again.
    """
    greenlet = gevent.spawn(outcome, job)
    loop = gevent.get_hub().loop
    timer = loop.timer(0.01)

    def interrupt() -> None:
        """In the hub, where nothing comes between the question and the exception: a server that is being started is waited for."""
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
    """The result of ``job``, or the exception that it raised: gevent prints one that leaves a greenlet."""
    try:
        return job()
    except KeyboardInterrupt:  # a signal that was held back
        return InterruptError()
    except Exception as error:
        return error

"""Progress for whoever waits: a line a step. On a terminal it turns while it lasts and then says how long it took."""

import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

TURNING, DONE, FAILED = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "✓", "✗"
PLAIN = ("|/-\\", "ok", "failed")  # where a terminal cannot show those
EVERY_SECONDS = 0.1
COLUMN = 64
CLEAR_LINE = "\r\x1b[2K"
_under_way: "Step | None" = None


class Step:
    """A step under way."""

    def __init__(self, text: str, stream: TextIO) -> None:
        self.text, self.stream, self.note = text, stream, ""
        self.started = time.monotonic()
        self.ended = threading.Event()
        self.drawing = threading.Thread(target=self.turn, daemon=True)
        self.turning, self.done, self.failed = (TURNING, DONE, FAILED) if can_show(stream, TURNING + DONE + FAILED) else PLAIN

    def tell(self, how_far: str) -> None:
        """Show how far it is."""
        self.note = f"({how_far})"

    def turn(self) -> None:
        """Draw the line again until the step ends."""
        number = 0
        while not self.ended.wait(EVERY_SECONDS):
            seconds = self.seconds()
            self.draw(self.turning[number % len(self.turning)], f"{self.text} {self.note}".rstrip() + (f"  {seconds}" if seconds else ""))
            number += 1

    def draw(self, mark: str, text: str, end: str = "") -> None:
        """One line, never broken into two: the next one could not clear it."""
        room = shutil.get_terminal_size().columns - len(self.failed) - 4
        self.stream.write(f"{CLEAR_LINE}  {mark} {text[:room]}{end}")
        self.stream.flush()

    def seconds(self) -> str:
        """How long it lasts already, where that is long."""
        lasted = time.monotonic() - self.started
        return f"{lasted:.0f} s" if lasted >= 1 else ""

    def end(self, well: bool) -> None:
        """Draw the line that stays, once."""
        if self.ended.is_set():
            return
        self.ended.set()
        self.drawing.join()
        mark, colour = (self.done, 32) if well else (self.failed, 31)
        self.draw(
            mark if "NO_COLOR" in os.environ else f"\x1b[{colour}m{mark}\x1b[0m", f"{self.text:{COLUMN}}{self.seconds():>6}".rstrip(), "\n"
        )


@contextmanager
def step(text: str, stream: TextIO | None = None) -> Iterator[Step]:
    """Do what is in the block as one step, which failed where the block is left by an exception."""
    global _under_way
    stream = stream or sys.stdout
    shown = Step(text, stream)
    if not is_terminal(stream):
        print(f"  {text} ...", file=stream, flush=True)
        yield shown
        return
    shown.draw(shown.turning[0], text)
    shown.drawing.start()
    _under_way = shown
    well = False
    try:
        yield shown
        well = True
    finally:
        shown.end(well)


def stop() -> None:
    """End the step that is under way, so that what is printed next has a line of its own."""
    if _under_way:
        _under_way.end(well=False)


def is_terminal(stream: TextIO) -> bool:
    """Whether a line can be drawn again there."""
    return stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def can_show(stream: TextIO, text: str) -> bool:
    """Whether a stream's encoding has these characters."""
    try:
        text.encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True

"""Progress output: one line for each step. On a terminal, a spinner turns while the step runs; then its duration is shown."""

import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

TURNING, DONE, FAILED = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "✓", "✗"
PLAIN = ("|/-\\", "ok", "failed")  # for a terminal that cannot show the characters above
EVERY_SECONDS = 0.1
COLUMN = 64
CLEAR_LINE = "\r\x1b[2K"
_under_way: "Step | None" = None


class Step:
    """A step in progress."""

    def __init__(self, text: str, stream: TextIO) -> None:
        self.text, self.stream, self.note = text, stream, ""
        self.started = time.monotonic()
        self.ended = threading.Event()
        self.drawing = threading.Thread(target=self.turn, daemon=True)
        self.turning, self.done, self.failed = (TURNING, DONE, FAILED) if can_show(stream, TURNING + DONE + FAILED) else PLAIN

    def tell(self, how_far: str) -> None:
        """Set the progress note that the line shows after the text."""
        self.note = f"({how_far})"

    def turn(self) -> None:
        """Redraw the line until the step ends."""
        number = 0
        while not self.ended.wait(EVERY_SECONDS):
            seconds = self.seconds()
            self.draw(self.turning[number % len(self.turning)], f"{self.text} {self.note}".rstrip() + (f"  {seconds}" if seconds else ""))
            number += 1

    def draw(self, mark: str, text: str, end: str = "") -> None:
        """Draw one line, cut to the width of the terminal: the next redraw could not clear a line that wraps."""
        room = shutil.get_terminal_size().columns - len(self.failed) - 4
        self.stream.write(f"{CLEAR_LINE}  {mark} {text[:room]}{end}")
        self.stream.flush()

    def seconds(self) -> str:
        """Return the elapsed time in seconds, empty during the first second."""
        lasted = time.monotonic() - self.started
        return f"{lasted:.0f} s" if lasted >= 1 else ""

    def end(self, well: bool) -> None:
        """Draw the final line, once."""
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
    """Run the block as one step, which fails if an exception leaves the block."""
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
    """End the current step as failed, so that the next output starts on its own line."""
    if _under_way:
        _under_way.end(well=False)


def is_terminal(stream: TextIO) -> bool:
    """Return whether a line can be redrawn on this stream."""
    return stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def can_show(stream: TextIO, text: str) -> bool:
    """Return whether a stream's encoding has these characters."""
    try:
        text.encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True

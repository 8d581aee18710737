"""Sentences for a person, without a package: make doctor says some before there is one."""

import sys
from typing import NoReturn

from runtime import progress


def say(text: str) -> None:
    """One line of progress."""
    print(text, flush=True)


def fail(text: str, status: int = 1) -> NoReturn:
    """End with a sentence that says what is wrong and what to do."""
    progress.stop()
    print(f"twogates: {text}", file=sys.stderr, flush=True)
    sys.exit(status)

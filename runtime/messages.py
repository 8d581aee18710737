"""Messages for the operator. Needs no package: make doctor prints some before any package is installed."""

import sys
from typing import NoReturn

from runtime import progress


def say(text: str) -> None:
    """Print one line of progress."""
    print(text, flush=True)


def fail(text: str, status: int = 1) -> NoReturn:
    """Exit with a message that says what is wrong and what to do."""
    progress.stop()
    print(f"twogates: {text}", file=sys.stderr, flush=True)
    sys.exit(status)

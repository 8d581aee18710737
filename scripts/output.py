"""What people see: sentences, and where things are."""

import sys
from typing import NoReturn

from rich.console import Console

console = Console(highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """One line of progress."""
    console.print(text)


def fail(text: str, status: int = 1) -> NoReturn:
    """End with a sentence that says what is wrong and what to do."""
    Console(stderr=True, highlight=False, soft_wrap=True, markup=False).print(f"twogates: {text}")
    sys.exit(status)


def show_addresses(base: str, secure_base: str, answers: dict[str, dict[str, object]]) -> None:
    """The end of a start: every service with its address and what it says of itself."""
    for name, facts in answers.items():
        slots = facts["slots"]
        held = f"{slots} requests at once" if slots else "an event loop"
        console.print(f"  {base}/{name}/".ljust(40) + f"{facts['framework']} on {facts['server']}, {facts['interface']}, {held}")
    console.print(f"  {base}/".ljust(40) + "what is here")
    console.print(f"  {secure_base}/".ljust(40) + "the same over HTTPS; make trust says how a browser comes to trust it")
    console.print("Next: make load")

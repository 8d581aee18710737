"""A blocked event loop."""

from urllib.request import urlopen

from loadtest.chaos.fault import Fault, Whole
from loadtest.chaos.stack import Stack

BLOCK_SECONDS = 5


def inflict(stack: Stack, service: str) -> Whole:
    """Send one request, which blocks the event loop of the replica that gets it."""
    with urlopen(f"{stack.base}/{service}/block?seconds={BLOCK_SECONDS}", timeout=60) as answer:
        answer.read()
    return stack.whole


FAULT = Fault(
    name="block-loop",
    does=f"One request makes a blocking call of {BLOCK_SECONDS} s where an event loop runs, and nothing else runs there meanwhile.",
    on=("fastapi", "django"),
    inflict=inflict,
)

"""HUP of a Gunicorn server."""

from loadtest.chaos.fault import Fault, Whole
from loadtest.chaos.stack import Stack
from loadtest.chaos.workers import replaced


def inflict(stack: Stack, service: str) -> Whole:
    """The server of a replica starts new workers and then ends the old ones."""
    container = stack.replica(service)
    before = stack.children(container)
    # Not by docker kill, after which no restart policy brings the container back, whatever the signal was.
    stack.signal_inside(container, "HUP", 1)
    return replaced(stack, container, before, before)


FAULT = Fault(
    name="hup",
    does="The Gunicorn server of a replica is told to reload: new workers, then the old ones end.",
    on=("flask", "fastapi"),
    inflict=inflict,
    graceful=True,
    short=("fastapi",),
)

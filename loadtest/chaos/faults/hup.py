"""SIGHUP to a Gunicorn server."""

from loadtest.chaos.fault import Fault, Whole
from loadtest.chaos.stack import Stack
from loadtest.chaos.workers import replaced


def inflict(stack: Stack, service: str) -> Whole:
    """Make a replica's server start new workers and then shut down the old ones."""
    container = stack.replica(service)
    before = stack.children(container)
    # Do not use docker kill: after it, whatever the signal, the restart policy no longer restarts the container.
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

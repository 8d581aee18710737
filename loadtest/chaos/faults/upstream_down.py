"""An upstream that is down."""

from time import sleep

from loadtest.chaos.fault import Allowed, Fault, Whole
from loadtest.chaos.stack import Stack
from loadtest.engine.docker_look import docker

DOWN_SECONDS = 5.0


def inflict(stack: Stack, service: str) -> Whole:
    """Kill the upstream, leave it down for DOWN_SECONDS, and start it."""
    container = stack.replica(service)
    docker("kill", container.id)
    sleep(DOWN_SECONDS)  # the duration of the fault, not a wait for a condition
    docker("start", container.id)
    return stack.calls_upstream


FAULT = Fault(
    name="upstream-down",
    does=f"The upstream, which every service calls, is killed, and started again after {DOWN_SECONDS:g} s.",
    on=("upstream",),
    inflict=inflict,
    allowed=Allowed(why="it needs the upstream, and there is one", kinds=frozenset({"upstream"}), everywhere=True),
)

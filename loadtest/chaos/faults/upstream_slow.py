"""An upstream that hangs."""

from time import sleep

from loadtest.chaos.fault import Allowed, Fault, Whole
from loadtest.chaos.stack import Stack
from loadtest.engine.docker_look import docker

# Longer than a service waits for a call (SLACK_SECONDS in services/shared/twogates/demo/upstream/common.py, 5).
HANG_SECONDS = 8.0


def inflict(stack: Stack, service: str) -> Whole:
    """Pause the upstream. The kernel still accepts connections, but the upstream answers none."""
    container = stack.replica(service)
    docker("pause", container.id)
    try:
        sleep(HANG_SECONDS)  # the duration of the fault, not a wait for a condition
    finally:
        docker("unpause", container.id)
    return stack.calls_upstream


FAULT = Fault(
    name="upstream-slow",
    does=f"The upstream hangs for {HANG_SECONDS:g} s: it takes calls and answers none.",
    on=("upstream",),
    inflict=inflict,
    allowed=Allowed(why="it needs the upstream, and there is one", kinds=frozenset({"upstream"}), everywhere=True),
)

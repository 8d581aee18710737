"""SIGKILL of Nginx, of which there is one."""

from loadtest.chaos.fault import EVERYTHING, Allowed, Fault, Whole
from loadtest.chaos.stack import Stack


def inflict(stack: Stack, service: str) -> Whole:
    """Its first process is killed; the restart policy brings it back."""
    container = stack.replica(service)
    stack.kill_first(container)

    def whole() -> bool:
        return stack.replica(service).restarts > container.restarts and stack.whole()

    return whole


FAULT = Fault(
    name="kill-nginx",
    does="Nginx, the only server that clients reach, is killed; Docker starts it again by its restart policy.",
    on=("nginx",),
    inflict=inflict,
    allowed=Allowed(
        why="Nginx is the only server of its kind: without it nobody answers until Docker has started it again",
        kinds=EVERYTHING,
        everywhere=True,
        sockets=True,
    ),
)

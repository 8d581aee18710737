"""SIGKILL of a replica."""

from loadtest.chaos.fault import Allowed, Fault, Whole
from loadtest.chaos.stack import Stack


def inflict(stack: Stack, service: str) -> Whole:
    """Its first process is killed, and all others of the container with it; the restart policy brings it back."""
    container = stack.replica(service)
    stack.kill_first(container)

    def whole() -> bool:
        return stack.replica(service).restarts > container.restarts and stack.whole()

    return whole


FAULT = Fault(
    name="kill-replica",
    does="All processes of a replica's container are killed at once; Docker starts it again by its restart policy.",
    on=("flask", "fastapi", "django"),
    inflict=inflict,
    allowed=Allowed(
        why="it was in the replica that was killed, and cannot be sent again: a POST was under way, an answer had begun",
        in_flight={"flask": 4, "fastapi": None, "django": None},  # four sync workers hold one each
        sockets=True,
    ),
    short=("flask", "django"),
)

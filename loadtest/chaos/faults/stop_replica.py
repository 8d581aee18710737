"""A replica that is stopped and started again."""

from loadtest.chaos.fault import Fault, Whole
from loadtest.chaos.stack import Stack
from loadtest.engine.docker_look import docker


def inflict(stack: Stack, service: str) -> Whole:
    """Run docker stop, which waits for a graceful shutdown, then docker start."""
    container = stack.replica(service)
    docker("stop", container.id)
    docker("start", container.id)
    return stack.whole


FAULT = Fault(
    name="stop-replica",
    does="A replica is stopped, as for maintenance of its host, and started again.",
    on=("flask", "fastapi", "django"),
    inflict=inflict,
    graceful=True,
    short=("fastapi", "django"),
)

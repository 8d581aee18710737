"""A container that comes back with another address."""

from loadtest.chaos.fault import Fault, Whole
from loadtest.chaos.stack import Stack
from loadtest.engine.docker_look import docker
from loadtest.engine.variants import EngineError


def inflict(stack: Stack, service: str) -> Whole:
    """A replica is removed and made anew."""
    container = stack.replica(service)
    known = {one.address for one in stack.containers()}
    docker("stop", container.id)
    docker("rm", container.id)
    stack.compose("up", "--detach", "--no-recreate", "--no-deps", "--no-build", "--pull", "never", service)
    if {one.address for one in stack.containers(service)} <= known:
        raise EngineError("The new container got the address of the old one, so that nothing was tried.")
    return stack.whole


FAULT = Fault(
    name="new-address",
    does="A replica is removed and made anew, and has another address; Nginx has to find it by its name.",
    on=("flask", "fastapi", "django"),
    inflict=inflict,
    graceful=True,
)

"""A container that gets another address when it is recreated."""

from contextlib import ExitStack

from loadtest.chaos.fault import Fault, Whole
from loadtest.chaos.stack import Stack
from loadtest.engine.docker_look import docker
from loadtest.engine.variants import EngineError

MOST = 8  # maximum number of neighbours; addresses below the old one may be free too


def inflict(stack: Stack, service: str) -> Whole:
    """Remove a replica and recreate it with another address."""
    container = stack.replica(service)
    docker("stop", container.id)
    docker("rm", container.id)
    with ExitStack() as neighbours:
        # Docker assigns the lowest free address, so another container must take the old one first.
        for number in range(MOST):
            name = neighbours.enter_context(stack.helper(f"neighbour-{number}", "nginx", "sleep", "infinity"))
            if (
                container.address
                in docker("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}", name).split()
            ):
                break
        stack.compose("up", "--detach", "--no-recreate", "--no-deps", "--no-build", "--pull", "never", service)
        if container.address in {one.address for one in stack.containers(service)}:
            raise EngineError("The new container got the address of the old one, so that nothing was tried.")
    return stack.whole


FAULT = Fault(
    name="new-address",
    does="A replica is removed and made anew, and has another address; Nginx has to find it by its name.",
    on=("flask", "fastapi", "django"),
    inflict=inflict,
    graceful=True,
)

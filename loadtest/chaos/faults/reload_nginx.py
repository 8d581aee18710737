"""A reload of Nginx while WebSockets are open."""

from loadtest.chaos.fault import Fault, Whole
from loadtest.chaos.stack import Stack
from loadtest.engine.docker_look import docker


def inflict(stack: Stack, service: str) -> Whole:
    """Test the configuration, then reload Nginx. New workers start; the old ones stay until their sockets are closed."""
    container = stack.replica(service)
    before = stack.children(container)
    for what in (["-t"], ["-s", "reload"]):
        docker("exec", container.id, "nginx", "-p", "/etc/nginx/", "-g", "pid /tmp/nginx.pid;", *what)

    def whole() -> bool:
        return len(set(stack.children(container)) - set(before)) >= len(before) and stack.whole()

    return whole


FAULT = Fault(
    name="reload-nginx",
    does="Nginx takes its configuration anew while requests are under way and WebSockets are open.",
    on=("nginx",),
    inflict=inflict,
    graceful=True,
    short=("nginx",),
)

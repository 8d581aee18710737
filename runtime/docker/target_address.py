"""Where load is sent on Docker: Nginx's container itself, where this machine has a way to it.

A port that is published on the loopback address is served by a proxy process of Docker's, which load would occupy too and be slowed
by, and no client from elsewhere goes through it.
"""

import json
import socket

from runtime.docker.compose import docker

CONNECT_SECONDS = 1.0


def entrance(container: str, published: int) -> tuple[str, int]:
    """The address and port of the container that has the published port; behind Docker Desktop, which hides it, that port here."""
    [found] = json.loads(docker("inspect", container))
    for inside, outside in found["NetworkSettings"]["Ports"].items():
        port, protocol = inside.split("/")
        if protocol == "tcp" and any(int(one["HostPort"]) == published for one in outside or ()):
            for network in found["NetworkSettings"]["Networks"].values():
                if reached(network["IPAddress"], int(port)):
                    return network["IPAddress"], int(port)
    return "127.0.0.1", published


def reached(address: str, port: int) -> bool:
    """Whether something listens there, and this machine has a way to it."""
    try:
        socket.create_connection((address, port), CONNECT_SECONDS).close()
    except OSError:
        return False
    return True

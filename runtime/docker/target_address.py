"""The address for load on Docker: Nginx's container itself, if this machine can reach it.

One of Docker's proxy processes serves a port that is published on the loopback address. Load would occupy that process and be slowed
by it, and no request from a client elsewhere passes through it.
"""

import json
import socket

from runtime.docker.compose import docker

CONNECT_SECONDS = 1.0


def entrance(container: str, published: int) -> tuple[str, int]:
    """Return the address and port of the container behind the published port; if Docker Desktop hides them, that port here."""
    [found] = json.loads(docker("inspect", container))
    for inside, outside in found["NetworkSettings"]["Ports"].items():
        port, protocol = inside.split("/")
        if protocol == "tcp" and any(int(one["HostPort"]) == published for one in outside or ()):
            for network in found["NetworkSettings"]["Networks"].values():
                if reached(network["IPAddress"], int(port)):
                    return network["IPAddress"], int(port)
    return "127.0.0.1", published


def reached(address: str, port: int) -> bool:
    """Return whether something listens at this address, and this machine can reach it."""
    try:
        socket.create_connection((address, port), CONNECT_SECONDS).close()
    except OSError:
        return False
    return True

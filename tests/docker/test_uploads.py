"""The uploads that Nginx admits concurrently fit into Django's memory."""

import hashlib
import json
import socket
from contextlib import ExitStack

import yaml

from runtime.compose_file import defaults
from tests.conftest import ROOT
from tests.docker.conftest import docker
from tests.waiting import until

MEGA = 1 << 20
COPIES = 2  # Daphne stores a body in a file, and Django copies it into another one


def tmpfs_bytes() -> int:
    """Return the size of Django's /tmp in bytes, as set in compose.yaml."""
    (line,) = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["django"]["tmpfs"]
    size = next(option for option in line.partition(":")[2].split(",") if option.startswith("size="))
    return int(size.removeprefix("size=").removesuffix("m")) * MEGA


def test_the_limits_fit_into_the_room_that_there_is() -> None:
    places, limit = (int(defaults()[name]) for name in ("DJANGO_UPLOAD_PLACES", "DJANGO_UPLOAD_LIMIT"))
    assert places * limit * COPIES < tmpfs_bytes() < 384 * MEGA / 2  # a tmpfs counts as the container's memory


def used(replica: str) -> int:
    """Return the bytes used in /tmp of a container."""
    return int(docker("exec", replica, "python", "-c", "import shutil; print(shutil.disk_usage('/tmp').used)"))


def test_as_many_as_come_through_are_taken_by_one_replica_at_a_time() -> None:
    """All bodies are sent except for their last byte, and then end together."""
    replica = docker("compose", "ps", "--quiet", "django").split()[0]
    networks = json.loads(docker("inspect", replica))[0]["NetworkSettings"]["Networks"]
    address = next(network["IPAddress"] for name, network in networks.items() if name.endswith("_backend"))
    places, limit = (int(defaults()[name]) for name in ("DJANGO_UPLOAD_PLACES", "DJANGO_UPLOAD_LIMIT"))
    body = b"x" * limit
    with ExitStack() as stack:
        connections = [stack.enter_context(socket.create_connection((address, 8000), 60)) for _ in range(places)]
        head = f"POST /upload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {limit}\r\n\r\n"
        for one in connections:
            one.sendall(head.encode() + body[1:])
        until("Daphne has stored all bodies", lambda: used(replica) >= places * (limit - MEGA))
        for one in connections:
            one.sendall(b"x")
        answers = [b"".join(iter(lambda one=one: one.recv(65536), b"")) for one in connections]  # type: ignore[misc]
    assert [answer[9:12] for answer in answers] == [b"200"] * places
    assert all(hashlib.sha256(body).hexdigest().encode() in answer for answer in answers)
    until("/tmp is empty again", lambda: used(replica) < MEGA)

"""A full disk."""

from urllib.error import HTTPError
from urllib.request import Request, urlopen

from loadtest.chaos.fault import Fault, Whole
from loadtest.chaos.stack import Stack
from loadtest.engine.docker_look import docker
from loadtest.engine.variants import EngineError

# Larger than Nginx's memory buffer for a body, so that Nginx needs the spool.
UPLOAD = bytes(1024 * 1024)


def inflict(stack: Stack, service: str) -> Whole:
    """Fill Nginx's spool, check with an upload that it is full, and empty it."""
    container = stack.replica(service)
    docker("exec", container.id, "sh", "-c", "dd if=/dev/zero of=/tmp/full bs=64k 2>/dev/null; true")
    try:
        if uploaded(stack) < 500:
            raise EngineError("The spool was to be full, and an upload was taken all the same, so that nothing was tried.")
    finally:
        docker("exec", container.id, "rm", "-f", "/tmp/full")  # noqa: S108  a path in the container
    return lambda: uploaded(stack) == 200 and stack.whole()


def uploaded(stack: Stack) -> int:
    """Return the status of an upload to Flask, whose request bodies Nginx buffers in the spool."""
    try:
        with urlopen(Request(f"{stack.base}/flask/upload", UPLOAD, method="POST"), timeout=20) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


FAULT = Fault(
    name="full-disk",
    does="The disk on which Nginx keeps what does not fit in memory is full; an upload is refused, all else goes on.",
    on=("nginx",),
    inflict=inflict,
)

"""A memory leak that reaches the container's limit."""

from contextlib import suppress

from loadtest.chaos.fault import Allowed, Fault, Whole
from loadtest.chaos.stack import Stack
from loadtest.chaos.workers import replaced
from loadtest.engine.docker_look import docker
from loadtest.engine.variants import EngineError

# Allocate memory until the worker is gone, then exit, which frees it. First give the worker the highest OOM score, because
# a leaking worker would have it. Otherwise the kernel would kill this process, which is the largest.
LEAK = """
import os, sys
worker, held = sys.argv[1], []
with open(f"/proc/{worker}/oom_score_adj", "w") as file:
    file.write("1000")
while os.path.exists(f"/proc/{worker}"):
    held.append(os.urandom(2**20) if len(held) < 4096 else sys.exit("4 GiB, and no limit was met"))
"""


def inflict(stack: Stack, service: str) -> Whole:
    """Fill the memory of the replica's container up to its limit, so that the kernel kills the worker."""
    container = stack.replica(service)
    before = stack.children(container)
    with suppress(EngineError):  # the kernel may kill this process too
        docker("exec", container.id, "python", "-c", LEAK, str(before[0]))
    if before[0] in stack.children(container):
        raise EngineError("the worker is still there")
    return replaced(stack, container, before, before[:1])


FAULT = Fault(
    name="out-of-memory",
    does="A worker leaks until the container is at its memory limit, and the kernel kills it; its master starts another.",
    on=("flask", "fastapi"),
    inflict=inflict,
    allowed=Allowed(
        why="it was in the worker that the kernel killed, and cannot be sent again: a POST was under way, an answer had begun",
        in_flight={"flask": 1, "fastapi": None},
        sockets=True,
    ),
)

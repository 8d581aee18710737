"""An upstream that answers garbage."""

from loadtest.chaos.fault import Allowed, Fault, Whole
from loadtest.chaos.stack import START_SECONDS, Stack
from loadtest.engine.docker_look import docker

# A server that answers each connection with bytes that are not HTTP, and logs a line for it.
SERVER = """
import os, socketserver
class Garbage(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.recv(4096)
        self.request.sendall(os.urandom(2048))
        print("answered", flush=True)
socketserver.ThreadingTCPServer(("", 8000), Garbage).serve_forever()
"""
ANSWERS = 6


def inflict(stack: Stack, service: str) -> Whole:
    """Let another server take the upstream's name until it has answered ANSWERS calls; then start the upstream again."""
    container = stack.replica(service)
    docker("kill", container.id)
    with stack.helper(service, "python", "python", "-c", SERVER) as name:
        stack.wait(lambda: docker("logs", name).count("answered") >= ANSWERS, START_SECONDS)
    docker("start", container.id)
    return stack.calls_upstream


FAULT = Fault(
    name="upstream-garbage",
    does=f"Another server has the upstream's name and answers {ANSWERS} calls with random bytes; then the upstream is back.",
    on=("upstream",),
    inflict=inflict,
    allowed=Allowed(why="it needs the upstream, and there is one", kinds=frozenset({"upstream"}), everywhere=True),
)

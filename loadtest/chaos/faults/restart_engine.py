"""A restart of the Docker engine, and with it of every container on this machine."""

import os
import subprocess

from loadtest.chaos.fault import EVERYTHING, Allowed, Fault, Whole
from loadtest.chaos.stack import Stack
from loadtest.engine.variants import EngineError

COMMAND = os.environ.get("ENGINE_RESTART", "systemctl restart docker")


def inflict(stack: Stack, service: str) -> Whole:
    """Run the command that restarts the engine."""
    before = stack.replica(service)
    ran = subprocess.run(COMMAND.split(), capture_output=True, text=True)
    if ran.returncode:
        raise EngineError(f"{COMMAND!r} failed, and so the engine was not restarted: {ran.stderr.strip()} ENGINE_RESTART names another.")
    return lambda: stack.replica(service).pid != before.pid and stack.calls_upstream()


FAULT = Fault(
    name="restart-engine",
    does=f"The Docker engine is restarted ({COMMAND}): every container of this machine stops and starts, whosever it is.",
    on=("nginx",),
    inflict=inflict,
    allowed=Allowed(
        why="all containers stop with the engine: nobody answers until it has started them again",
        kinds=EVERYTHING,
        everywhere=True,
        sockets=True,
    ),
    named_only=True,
)

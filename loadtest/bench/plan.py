"""The project's services as the local runtime starts them, on other ports."""

import re

from runtime.local.plan import Process
from runtime.servers import Command

ADDRESS = re.compile(r"127\.0\.0\.1:(\d+)")


def moved(text: str, ports: dict[int, int]) -> str:
    """Return ``text`` with the port of every loopback address replaced according to ``ports``."""
    return ADDRESS.sub(lambda found: f"127.0.0.1:{ports.get(int(found[1]), int(found[1]))}", text)


def service(process: Process, ports: dict[int, int], **environment: str) -> Command:
    """Return a service's process with its own port and its upstream's replaced, and ``environment`` added to its own."""
    port = ports[int(process.environment["PORT"])]
    own = {name: moved(value, ports) for name, value in process.environment.items()}
    return Command(process.command, process.folder, port, {**own, **environment, "PORT": str(port)}, "/healthz")

"""The project's own services as the local runtime starts them, on other ports."""

import re

from runtime.local.plan import Process
from runtime.servers import Command

ADDRESS = re.compile(r"127\.0\.0\.1:(\d+)")


def moved(text: str, ports: dict[int, int]) -> str:
    """``text`` with every loopback address on the port that ``ports`` gives in place of its own."""
    return ADDRESS.sub(lambda found: f"127.0.0.1:{ports.get(int(found[1]), int(found[1]))}", text)


def service(process: Process, ports: dict[int, int], **environment: str) -> Command:
    """A service's process with its port, and its upstream's, replaced; ``environment`` is added to its own."""
    port = ports[int(process.environment["PORT"])]
    own = {name: moved(value, ports) for name, value in process.environment.items()}
    return Command(process.command, process.folder, port, {**own, **environment, "PORT": str(port)}, "/healthz")

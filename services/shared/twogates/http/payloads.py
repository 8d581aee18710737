"""The bodies of answers: one encoder, and what a service says of itself."""

import json
import os
import platform
from importlib.metadata import version
from typing import Any

SMALL = {"message": "Hello, World!", "numbers": [1, 2, 3], "nested": {"ok": True, "nothing": None}}


ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def encode(data: Any) -> bytes:
    """Compact JSON in UTF-8: the frameworks' own encoders differ in spaces, in escapes and in key order."""
    return ENCODER.encode(data).encode()


def greeting(name: str) -> dict[str, str]:
    """The answer of ``/hello/{name}``."""
    return {"message": f"Hello, {name}!"}


class Identity:
    """Who answers: what ``GET /`` says of a service.

    ``slots`` is how many requests the service holds at once: workers times threads where each
    holds one, ``None`` for an event loop, where only memory and the CPU set a bound.
    """

    def __init__(self, service: str, framework: str, interface: str, server: str, worker_class: str, slots: int | None) -> None:
        packages = (framework, *server.split("+"))
        self.facts: dict[str, Any] = {
            "service": service,
            "framework": framework,
            "interface": interface,
            "server": server,
            "worker_class": worker_class,
            "versions": {"python": platform.python_version(), **{name: version(name) for name in packages}},
            "slots": slots,
        }

    def answer(self, profile: str, client: str | None) -> dict[str, Any]:
        """Return the facts, with the container and process that answer, and the client's address as the application sees it.

        In production without what helps an attacker choose an attack: versions, host and process id.
        """
        if profile == "production":
            return {**{name: fact for name, fact in self.facts.items() if name != "versions"}, "client": client}
        return {**self.facts, "host": platform.node(), "pid": os.getpid(), "client": client}

"""Responses: the JSON encoder, an answer that depends on no framework, and the description that a service gives of itself."""

import json
import os
import platform
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

EVENTS_TYPE = "text/event-stream"
# X-Accel-Buffering turns Nginx's buffering off. Without it, a slow stream may reach the client in one piece at its end.
STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def encode(data: Any) -> bytes:
    """Return compact JSON in UTF-8. The frameworks' own encoders differ in spaces, escapes and key order."""
    return ENCODER.encode(data).encode()


@dataclass(frozen=True)
class Reply:
    """An answer, independent of the framework."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class Identity:
    """The identity of a service, as ``GET /`` returns it.

    ``slots`` is the number of requests that the service handles concurrently: workers times threads if
    each handles one, ``None`` for an event loop, where only memory and the CPU set a limit.
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
        """Return the facts, the host name and process id, and the client's address as the application sees it.

        In production, versions, host and process id are left out: they would help an attacker to choose an attack.
        """
        if profile == "production":
            return {**{name: fact for name, fact in self.facts.items() if name != "versions"}, "client": client}
        return {**self.facts, "host": platform.node(), "pid": os.getpid(), "client": client}

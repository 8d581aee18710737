"""The running stack that the tests talk to, through Nginx."""

import os
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

import httpx

from runtime.compose_file import defaults, variables

PUBLISHED = variables().get("HTTP_PORT") or defaults()["HTTP_PORT"]
TARGET = os.environ.get("TARGET", f"http://127.0.0.1:{PUBLISHED}").rstrip("/")
HOST, PORT = urlsplit(TARGET).hostname or "127.0.0.1", urlsplit(TARGET).port or 80
SECURE_PORT = int(variables().get("HTTPS_PORT") or defaults()["HTTPS_PORT"])

Name = Literal["flask", "fastapi", "django"]
Interface = Literal["WSGI", "ASGI"]


@dataclass(frozen=True)
class Service:
    """One of the three services, behind its prefix."""

    name: Name
    interface: Interface

    @property
    def url(self) -> str:
        """The address of the service, without a trailing slash."""
        return f"{TARGET}/{self.name}"

    @property
    def ws_url(self) -> str:
        """The address of its WebSocket."""
        return f"{self.url.replace('http', 'ws', 1)}/ws"

    def __str__(self) -> str:
        return self.name


SERVICES = (Service("flask", "WSGI"), Service("fastapi", "ASGI"), Service("django", "ASGI"))
EVENT_LOOPS = tuple(service for service in SERVICES if service.interface == "ASGI")


# Seconds by which a timer may fire early: uvloop counts whole milliseconds from the start of the loop iteration.
EARLY = 0.002


def app_seconds(answer: httpx.Response) -> float:
    """Return the application's own time in seconds, from Server-Timing."""
    return float(answer.headers["Server-Timing"].removeprefix("app;dur=")) / 1000

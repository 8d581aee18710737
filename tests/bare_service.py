"""One service on its own server, without a database, a cache or an upstream."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx

from tests.checkouts import free_port
from tests.conftest import ROOT
from tests.waiting import until

SERVICES = ROOT / "services"
SETTINGS = {
    "PROFILE": "development",
    "BODY_LIMIT": "65536",
    "UPLOAD_LIMIT": "65536",
    "UPSTREAM_URL": "http://127.0.0.1:9",
    "UPSTREAM_CONNECTIONS": "10",
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nothing",
    "CACHE_URL": "redis://127.0.0.1:9/0",
    "EXAMPLE": "on",
    "POST_LIMIT": "600",
    "BOARD_LIMIT": "10",
    "MESSAGE_LIMIT": "10",
    "POOL": "auto",
    "ADMIN": "off",
    "HOST": "127.0.0.1",
    "LOG_LEVEL": "warning",
    "GRACEFUL_TIMEOUT": "5",
    "TRUSTED_PROXIES": "127.0.0.1",
    "TIMEOUT": "40",
    "BACKLOG": "100",
    "KEEPALIVE": "75",
}
COMMANDS = {
    "flask_sync": [sys.executable, "-m", "gunicorn", "--config", "server.py", "app:application"],
    "fastapi_async": [sys.executable, "-m", "gunicorn", "--config", "server.py", "app:application"],
    "django_async": [sys.executable, "server.py"],
}


@contextmanager
def started(service: str, **settings: str) -> Iterator[tuple[str, int]]:
    """Run the service from a folder of services/ for the block. Yield its address and the process id of its parent process."""
    port = free_port()
    environment = {**os.environ, **SETTINGS, "PYTHONPATH": str(SERVICES / "shared"), "PORT": port, **settings}
    process = subprocess.Popen(COMMANDS[service], cwd=SERVICES / service, env=environment)
    try:
        url = f"http://127.0.0.1:{port}"
        until(f"{service} answers, or has ended", lambda: process.poll() is not None or alive(url))
        assert process.poll() is None
        yield url, process.pid
    finally:
        process.terminate()
        process.wait(30)


def alive(url: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"{url}/healthz").status_code == 200
    return False

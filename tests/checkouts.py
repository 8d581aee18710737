"""Copies of the checkout, for tests that start, edit or break a stack of their own."""

import os
import random
import socket
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx

from dev.testing.lanes import copy_of_checkout
from runtime.compose_file import project
from tests.conftest import ROOT
from tests.waiting import until


def free_port() -> str:
    """Return the first of ten consecutive free ports, below the range from which the kernel assigns ephemeral ports."""
    for first in random.sample(range(10_000, 30_000, 10), 100):
        with ExitStack() as probes:
            try:
                for port in range(first, first + 10):
                    probes.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return str(first)
    raise RuntimeError("no ten free ports in a row")


class OwnStack:
    """A separate stack: a copy of the checkout that a test may break, with its own ports and its own Compose project."""

    def __init__(self, folder: Path, name: str, **variables: str) -> None:
        self.folder = copy_of_checkout(folder)
        (self.folder / ".venv").symlink_to(ROOT / ".venv")
        self.port, self.secure_port = free_port(), free_port()
        self.project = f"{project()}-{name}"  # each test run has its own project name
        own = {"COMPOSE_PROJECT_NAME": self.project, "TAG": self.project, "HTTP_PORT": self.port, "HTTPS_PORT": self.secure_port}
        self.environment = {**os.environ, "RUNTIME": "docker", **own, **variables}

        self.remove()  # what an earlier, killed run left behind

    def remove(self) -> None:
        """Stop the stack and remove its volumes and networks, found by project name alone. The next run reuses its images."""
        words = ["docker", "compose", "--project-name", self.project, "down", "--volumes", "--remove-orphans", "--timeout", "5"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("COMPOSE_")}
        subprocess.run(words, cwd=self.folder.parent, env=environment, capture_output=True, check=True, timeout=300)

    def run(self, module: str, *words: str, **changed: str) -> subprocess.CompletedProcess[str]:
        """Run a module from the copy."""
        command, environment = [sys.executable, "-m", module, *words], {**self.environment, **changed}
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=300)


def edit_shows_everywhere(folder: Path, port: str) -> None:
    """Edit a file that the services share, and wait until every service answers with the edit."""
    urls = {name: f"http://127.0.0.1:{port}/{name}/json" for name in ("flask", "fastapi", "django")}
    assert all(httpx.get(url).json()["message"] == "Hello, World!" for url in urls.values())
    edited = folder / "services/shared/twogates/demo/greetings.py"
    edited.write_text(edited.read_text().replace("Hello, World!", "Edited!"))

    def shows(url: str) -> bool:
        with suppress(httpx.HTTPError):
            response = httpx.get(url, timeout=5, trust_env=False)
            return response.status_code == 200 and response.json()["message"] == "Edited!"
        return False

    for name, url in urls.items():
        until(f"the edit shows in {name}", lambda url=url: shows(url))  # type: ignore[misc]

"""The stack that runs already (make up), seen from outside: its services answer, and nothing is known of its processes."""

import subprocess
from pathlib import Path

from loadtest.engine.variants import Holding, Running, Usage
from loadtest.model import Variant
from loadtest.stack import look_at
from scripts import runtime_docker, runtime_local, supervisor
from scripts.compose_file import ROOT

LOG = supervisor.LOGS / "nginx.log"
NAMES = {"flask": "Flask", "fastapi": "FastAPI", "django": "Django"}


class Existing:
    """Nothing is started or stopped. ``target`` is where its Nginx answers."""

    name = "the running stack"

    def __init__(self, target: str) -> None:
        self.target = target
        self.local = runtime_local.is_up()
        self.docker = not self.local and runtime_docker.is_up()

    def variants(self, services: tuple[str, ...]) -> list[Variant]:
        """The services with the slots and loops that they say they have; raises StackError."""
        seen = [look_at(self.target, name) for name in services]
        return [
            Variant(f"{NAMES[service.name]}, {service.shape}", service.name, workers=service.slots or service.processes or 1)  # type: ignore[arg-type]
            for service in seen
        ]

    def start(self, variants: list[Variant]) -> dict[str, Running]:
        """Where each answers, and where the log is now."""
        self.begun = LOG.stat().st_size if self.local and LOG.exists() else 0
        return {variant.name: Running(variant, self.target, f"/{variant.service}", Path("/nonexistent")) for variant in variants}

    def usage(self, running: Running) -> Usage | None:
        """Not known."""
        return None

    def holding(self, running: Running) -> Holding | None:
        """Not known."""
        return None

    def log(self, running: Running) -> str | None:
        """What Nginx has logged since the start, where it can be read."""
        if self.local and LOG.exists():
            with LOG.open("rb") as file:
                file.seek(self.begun)
                return file.read().decode(errors="replace")
        if self.docker:
            words = ["docker", "compose", "logs", "--no-log-prefix", "--no-color", "--since", "30m", "nginx"]
            return subprocess.run(words, cwd=ROOT, capture_output=True, text=True).stdout
        return None

    def stop(self) -> None:
        """Nothing to end."""

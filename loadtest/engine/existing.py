"""The stack that runs already (make up), seen from outside: its services answer, and nothing is known of its processes."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from loadtest.engine.variants import EngineError, Holding, Running, Usage
from loadtest.model import NAMES, Variant
from loadtest.stack import look_at
from scripts import runtime_docker, runtime_local, supervisor
from scripts.compose_file import ROOT

LOG = supervisor.LOGS / "nginx.log"


def written_since(log: Path, then: os.stat_result) -> str:
    """What was written to a log since its state ``then``; Supervisor may have begun a new file, and kept the old as ``.1``."""
    rotated = log.stat().st_ino != then.st_ino
    with (log.with_name(f"{log.name}.1") if rotated else log).open("rb") as file:
        file.seek(then.st_size)
        written = file.read()
    return (written + (log.read_bytes() if rotated else b"")).decode(errors="replace")


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
        self.begun = LOG.stat() if self.local and LOG.exists() else None
        return {variant.name: Running(variant, self.target, f"/{variant.service}", Path("/nonexistent")) for variant in variants}

    def usage(self, running: Running) -> Usage | None:
        """Not known."""
        return None

    def holding(self, running: Running) -> Holding | None:
        """Not known."""
        return None

    def log(self, running: Running) -> str | None:
        """What Nginx has logged since the start, where it can be read."""
        if self.begun:
            return written_since(LOG, self.begun)
        if self.docker:
            words = ["docker", "compose", "logs", "--no-log-prefix", "--no-color", "--since", "30m", "nginx"]
            return subprocess.run(words, cwd=ROOT, capture_output=True, text=True).stdout
        return None

    def addresses(self, running: Running) -> list[str]:
        """Not known."""
        return []

    def signal(self, running: Running, server: int, number: int, worker: bool) -> None:
        """Not done to a stack that serves somebody."""
        raise EngineError("The laboratory disturbs only what it started itself.")

    def send_to(self, running: Running, servers: Sequence[int]) -> None:
        """Not done either."""
        raise EngineError("The laboratory changes only what it started itself.")

    def ask_cache(self, running: Running, *words: str) -> list[str]:
        """Nothing in it is the laboratory's."""
        raise EngineError("The laboratory asks only a cache that it started itself.")

    def mend(self, running: Running) -> None:
        """Nothing was broken."""

    def stop(self) -> None:
        """Nothing to end."""

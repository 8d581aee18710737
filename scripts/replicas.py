"""The containers of a service, and what can be known of each from outside."""

import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scripts.docker_compose import compose

POLL_SECONDS = 0.2
LISTENING = "0A"  # the state of a socket in /proc/net/tcp
LAST_LINES = 6


class NotHealthy(Exception):
    """Why a replica is not healthy, in a sentence and its last words."""


@dataclass(frozen=True)
class Replica:
    """One container."""

    id: str
    name: str

    def look(self) -> dict[str, Any]:
        """What Docker knows of its state now; empty when it is gone."""
        found = subprocess.run(["docker", "inspect", self.id], capture_output=True, text=True)
        return dict(json.loads(found.stdout)[0]) if found.returncode == 0 else {}

    def wrong(self) -> str | None:
        """Why it cannot become healthy any more; ``None`` while it can."""
        facts = self.look()
        state = facts.get("State", {})
        if state.get("Health", {}).get("Status") == "unhealthy":
            return "is unhealthy"
        if state.get("Status") != "running" or facts["RestartCount"]:
            return f"ended with status {state.get('ExitCode', 'unknown')}"
        return None

    def healthy(self) -> bool:
        """Whether its health check has succeeded."""
        return bool(self.look().get("State", {}).get("Health", {}).get("Status") == "healthy")

    def address(self) -> str:
        """Where Nginx finds it: its address in the network that they share."""
        networks = self.look()["NetworkSettings"]["Networks"]
        return str(next(entry["IPAddress"] for name, entry in networks.items() if name.endswith("_backend")))

    def in_line(self) -> int:
        """Connections that the kernel holds for it and that no worker has taken yet; 0 when it is gone."""
        table = subprocess.run(["docker", "exec", self.id, "cat", "/proc/net/tcp"], capture_output=True, text=True).stdout
        rows = [line.split() for line in table.splitlines()[1:]]
        return sum(int(row[4].split(":")[1], 16) for row in rows if row[3] == LISTENING)

    def last_words(self) -> str:
        """What its health check and it said last."""
        checks = self.look().get("State", {}).get("Health", {}).get("Log") or []
        printed = subprocess.run(["docker", "logs", "--tail", str(LAST_LINES), self.id], capture_output=True, text=True)
        lines = [*(check["Output"].strip() for check in checks[-1:]), *(printed.stdout + printed.stderr).splitlines()]
        return "".join(f"\n    {line}" for line in lines if line)


def replicas(service: str, *, ended: bool = False) -> list[Replica]:
    """Those that run, and those that ended where asked for."""
    printed = compose("ps", *(["--all"] if ended else []), "--format", "json", service, quiet=True).stdout
    return [Replica(one["ID"], one["Name"]) for one in map(json.loads, filter(str.strip, printed.splitlines()))]


def wait_until_healthy(those: Sequence[Replica], seconds: float) -> None:
    """Return when all are healthy; raises ``NotHealthy`` as soon as one cannot become so, or after ``seconds``."""
    deadline = time.monotonic() + seconds
    while waiting := [one for one in those if not one.healthy()]:
        for one in waiting:
            if wrong := one.wrong():
                raise NotHealthy(f"{one.name} {wrong}{one.last_words()}")
        if time.monotonic() > deadline:
            raise NotHealthy(f"{waiting[0].name} was not healthy after {seconds:.0f} seconds{waiting[0].last_words()}")
        time.sleep(POLL_SECONDS)


def stop(those: Sequence[Replica]) -> None:
    """Let them finish what they have in hand, and remove them."""
    if those:
        subprocess.run(["docker", "stop", *(one.id for one in those)], capture_output=True)
        remove(those)


def remove(those: Sequence[Replica]) -> None:
    """Remove them at once, whatever they do."""
    if those:
        subprocess.run(["docker", "rm", "--force", "--volumes", *(one.id for one in those)], capture_output=True)

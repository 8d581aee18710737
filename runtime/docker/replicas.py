"""The containers of a service, and what can be known of each from outside."""

import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from runtime.compose_file import project
from runtime.docker.engine import LABEL

POLL_SECONDS = 0.2
SERVICE, ONE_OFF = "com.docker.compose.service", "com.docker.compose.oneoff"
LISTENING = "0A"  # the state of a socket in /proc/net/tcp
LAST_LINES, LAST_OF_TRACEBACK = 12, 4


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
        if facts.get("RestartCount"):
            return "ended, and was started again"
        return None if state.get("Status") == "running" else f"ended with status {state.get('ExitCode', 'unknown')}"

    def trouble(self) -> str | None:
        """What is wrong with it now, in a few words; ``None`` for one that serves, starts, was stopped, or has done its job."""
        facts = self.look()
        state = facts.get("State", {})
        if state.get("Restarting") or (facts.get("RestartCount") and state.get("Health", {}).get("Status") not in (None, "healthy")):
            return "ends again and again"
        if state.get("Status") == "exited" and state["ExitCode"] not in (0, 137, 143):  # the last two: it was stopped
            return f"ended with status {state['ExitCode']}"
        return "is unhealthy" if state.get("Health", {}).get("Status") == "unhealthy" else None

    def healthy(self) -> bool:
        """Whether its health check has succeeded."""
        return bool(self.look().get("State", {}).get("Health", {}).get("Status") == "healthy")

    def address(self) -> str:
        """Where Nginx finds it: its address in the network that they share; empty while it does not run."""
        networks = self.look().get("NetworkSettings", {}).get("Networks", {})
        return next((str(entry["IPAddress"]) for name, entry in networks.items() if name.endswith("_backend")), "")

    def in_line(self) -> int:
        """Connections that the kernel holds for it and that no worker has taken yet; 0 when it is gone."""
        table = subprocess.run(["docker", "exec", self.id, "cat", "/proc/net/tcp"], capture_output=True, text=True).stdout
        rows = [line.split() for line in table.splitlines()[1:]]
        return sum(int(row[4].split(":")[1], 16) for row in rows if row[3] == LISTENING)

    def last_words(self) -> str:
        """What its health check and it said last."""
        checks = self.look().get("State", {}).get("Health", {}).get("Log") or []
        printed = subprocess.run(["docker", "logs", "--tail", str(LAST_LINES), self.id], capture_output=True, text=True)
        said = [line for one in (printed.stdout + printed.stderr).splitlines() for line in readable(one)]
        return "".join(f"\n    {line}" for line in [*(check["Output"].strip() for check in checks[-1:]), *said[-LAST_LINES:]] if line)


def readable(line: str) -> list[str]:
    """A line of a log as a person reads it: of one in JSON the message, and the end of its traceback."""
    try:
        entry = json.loads(line)
        return [f"{entry['level']} {entry['message']}", *entry.get("exc_info", "").splitlines()[-LAST_OF_TRACEBACK:]]
    except (ValueError, TypeError, KeyError, AttributeError):
        return [line]


def replicas(service: str, *, ended: bool = False) -> list[Replica]:
    """Return a service's containers that run, the first made first, and those that ended where asked for.

    By Compose's labels: ``docker compose ps`` would read all files each time.
    """
    labels = (f"{LABEL}={project()}", f"{SERVICE}={service}", f"{ONE_OFF}=False")
    filters = [word for label in labels for word in ("--filter", f"label={label}")]
    command = ["docker", "ps", *(["--all"] if ended else []), *filters, "--format", "{{.ID}}\t{{.Names}}"]
    found = [Replica(*line.split("\t")) for line in subprocess.run(command, capture_output=True, text=True).stdout.splitlines()]
    return sorted(found, key=lambda one: (len(one.name), one.name))


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

"""The containers of a service, and what can be observed of each from outside."""

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
    """A replica is not healthy. The message gives the reason, and the last lines of its output."""


@dataclass(frozen=True)
class Replica:
    """One container."""

    id: str
    name: str

    def look(self) -> dict[str, Any]:
        """Return Docker's current data on the container, empty if it is gone."""
        found = subprocess.run(["docker", "inspect", self.id], capture_output=True, text=True)
        return dict(json.loads(found.stdout)[0]) if found.returncode == 0 else {}

    def wrong(self) -> str | None:
        """Return why the container can no longer become healthy, ``None`` while it can."""
        facts = self.look()
        state = facts.get("State", {})
        if state.get("Health", {}).get("Status") == "unhealthy":
            return "is unhealthy"
        if facts.get("RestartCount"):
            return "ended, and was started again"
        return None if state.get("Status") == "running" else f"ended with status {state.get('ExitCode', 'unknown')}"

    def trouble(self) -> str | None:
        """Return what is wrong now, in a few words; ``None`` for one that serves, starts, was stopped, or has done its job."""
        facts = self.look()
        state = facts.get("State", {})
        if state.get("Restarting") or (facts.get("RestartCount") and state.get("Health", {}).get("Status") not in (None, "healthy")):
            return "ends again and again"
        if state.get("Status") == "exited" and state["ExitCode"] not in (0, 137, 143):  # 137 and 143: it was stopped by a signal
            return f"ended with status {state['ExitCode']}"
        return "is unhealthy" if state.get("Health", {}).get("Status") == "unhealthy" else None

    def healthy(self) -> bool:
        """Return whether its health check has succeeded."""
        return bool(self.look().get("State", {}).get("Health", {}).get("Status") == "healthy")

    def address(self) -> str:
        """Return the address at which Nginx finds it, in the network that they share; empty while it does not run."""
        networks = self.look().get("NetworkSettings", {}).get("Networks", {})
        return next((str(entry["IPAddress"]) for name, entry in networks.items() if name.endswith("_backend")), "")

    def in_line(self) -> int:
        """Return the number of connections in its accept queue, which no worker has taken yet; 0 if it is gone."""
        table = subprocess.run(["docker", "exec", self.id, "cat", "/proc/net/tcp"], capture_output=True, text=True).stdout
        rows = [line.split() for line in table.splitlines()[1:]]
        return sum(int(row[4].split(":")[1], 16) for row in rows if row[3] == LISTENING)

    def last_words(self) -> str:
        """Return the last output of its health check and of its log."""
        checks = self.look().get("State", {}).get("Health", {}).get("Log") or []
        printed = subprocess.run(["docker", "logs", "--tail", str(LAST_LINES), self.id], capture_output=True, text=True)
        said = [line for one in (printed.stdout + printed.stderr).splitlines() for line in readable(one)]
        return "".join(f"\n    {line}" for line in [*(check["Output"].strip() for check in checks[-1:]), *said[-LAST_LINES:]] if line)


def readable(line: str) -> list[str]:
    """Return a log line in readable form: of a JSON entry, the message and the end of its traceback."""
    try:
        entry = json.loads(line)
        return [f"{entry['level']} {entry['message']}", *entry.get("exc_info", "").splitlines()[-LAST_OF_TRACEBACK:]]
    except (ValueError, TypeError, KeyError, AttributeError):
        return [line]


def replicas(service: str, *, ended: bool = False) -> list[Replica]:
    """Return a service's running containers, the oldest first; with ``ended``, also those that ended.

    Filters by Compose's labels: ``docker compose ps`` would read all files on each call.
    """
    labels = (f"{LABEL}={project()}", f"{SERVICE}={service}", f"{ONE_OFF}=False")
    filters = [word for label in labels for word in ("--filter", f"label={label}")]
    command = ["docker", "ps", *(["--all"] if ended else []), *filters, "--format", "{{.ID}}\t{{.Names}}"]
    found = [Replica(*line.split("\t")) for line in subprocess.run(command, capture_output=True, text=True).stdout.splitlines()]
    return sorted(found, key=lambda one: (len(one.name), one.name))


def wait_until_healthy(those: Sequence[Replica], seconds: float) -> None:
    """Wait until all are healthy. Raise ``NotHealthy`` when one can no longer become healthy, or after ``seconds``."""
    deadline = time.monotonic() + seconds
    while waiting := [one for one in those if not one.healthy()]:
        for one in waiting:
            if wrong := one.wrong():
                raise NotHealthy(f"{one.name} {wrong}{one.last_words()}")
        if time.monotonic() > deadline:
            raise NotHealthy(f"{waiting[0].name} was not healthy after {seconds:.0f} seconds{waiting[0].last_words()}")
        time.sleep(POLL_SECONDS)


def stop(those: Sequence[Replica]) -> None:
    """Stop these containers gracefully, so that they finish the requests in hand, and remove them."""
    if those:
        subprocess.run(["docker", "stop", *(one.id for one in those)], capture_output=True)
        remove(those)


def remove(those: Sequence[Replica]) -> None:
    """Remove these containers at once, without a graceful stop."""
    if those:
        subprocess.run(["docker", "rm", "--force", "--volumes", *(one.id for one in those)], capture_output=True)

"""What the running stack saw, according to its logs and the process table, in either runtime."""

import json
import re
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from runtime import proc
from runtime.choice import running
from runtime.local import stack as runtime_local
from runtime.local import supervisor
from tests.conftest import ROOT

APPLICATIONS = ("flask", "fastapi", "django")
SERVERS = (*APPLICATIONS, "nginx", "upstream")
DATA = ("postgres", "valkey")  # PostgreSQL starts and ends processes at any time
RECEIVED = re.compile(r"received (\S+) (.*)", re.DOTALL)


@dataclass
class Seen:
    """What the logs contain."""

    answers: list[tuple[str, int]] = field(default_factory=list)  # from Nginx: request id and status
    proxied: Counter[str] = field(default_factory=Counter)  # how often Nginx forwarded a request to a service, by request id
    received: dict[str, list[tuple[str, str]]] = field(default_factory=dict)  # by application: request id and path


class Witness:
    """A reader of everything that was logged since it was created."""

    def __init__(self) -> None:
        self.local = running()[0] is runtime_local
        self.since = datetime.now(UTC).isoformat()
        self.sizes = {path.stat().st_ino: path.stat().st_size for path in supervisor.LOGS.glob("*.log*")}

    def log(self, service: str) -> list[str]:
        """Return the log lines of all replicas of a service."""
        if self.local:
            return (
                b"\n".join(self.written(newest) for newest in supervisor.LOGS.glob(f"{service}*.log")).decode(errors="replace").splitlines()
            )
        return docker("compose", "logs", "--no-log-prefix", "--since", self.since, service).splitlines()

    def written(self, newest: Path) -> bytes:
        """Return what was written to a log and its predecessors: Supervisor renames a full log file."""
        content = b""
        for path in (Path(f"{newest}.2"), Path(f"{newest}.1"), newest):
            if path.is_file():
                known = self.sizes.get(path.stat().st_ino, 0)
                content += path.read_bytes()[known if known <= path.stat().st_size else 0 :]
        return content

    def look(self) -> Seen:
        """Read all logs. Applications log the requests that they receive only at level debug."""
        seen = Seen()
        for line in self.log("nginx"):
            if line.startswith('{"time"'):
                entry = json.loads(line)
                seen.answers.append((entry["request_id"], int(entry["status"])))
                seen.proxied[entry["request_id"]] += len(re.findall(r"[^ ,:]+", entry["upstream_status"]))
        for name in APPLICATIONS:
            seen.received[name] = []
            for line in self.log(name):
                if line.startswith('{"time"') and (found := RECEIVED.fullmatch(json.loads(line)["message"])):
                    seen.received[name].append((json.loads(line)["request_id"], found[2]))
        return seen

    def processes(self) -> set[int]:
        """Return the process ids of all servers and their workers, except PostgreSQL's, which start and end at any time.

        Processes that Docker starts in a container for a health check are not included.
        """
        if self.local:
            servers = [process for process in supervisor.connect().getAllProcessInfo() if process["name"] not in DATA]
            return {pid for process in servers for pid in proc.tree(process["pid"])}
        found: set[int] = set()
        for container in docker("compose", "ps", "--quiet", *SERVERS).split():
            found.add(int(docker("inspect", "--format", "{{.State.Pid}}", container)))
            rows = [line.split() for line in docker("top", container, "-eo", "pid,ppid").splitlines()[1:]]
            for pid, parent in sorted((int(pid), int(parent)) for pid, parent in rows):
                if parent in found:
                    found.add(pid)
        return found


def docker(*arguments: str) -> str:
    """Return the output of a docker command. Nginx may log bytes that are not valid text."""
    done = subprocess.run(["docker", *arguments], cwd=ROOT, capture_output=True, check=True, timeout=180)
    return done.stdout.decode(errors="replace")

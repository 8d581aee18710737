"""Read CPU time, CPU limits and settings of the processes that `make up` started. Nothing is changed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from loadtest.engine import docker_look
from loadtest.engine.variants import EngineError, Usage
from runtime import proc
from runtime.compose_file import project
from runtime.local import supervisor

# Parts of a stack other than the services under load, and the field of Usage that counts each of them.
PARTS = {"nginx": "proxy", "upstream": "upstream", "postgres": "database", "valkey": "cache"}


class Seen(Protocol):
    """What can be read about one service and the parts around it."""

    def usage(self, service: str) -> Usage | None:
        """Return the CPU seconds so far; ``None`` where they cannot be read."""
        ...

    def settings(self, service: str) -> Mapping[str, str]:
        """Return the environment that the service was started with; empty where it cannot be read."""
        ...

    def cpus(self, service: str) -> float | None:
        """Return how many CPUs the service's containers may use together; ``None`` if there is no limit."""
        ...


class LocalProcesses:
    """Processes of this user, found through Supervisor's process ids."""

    def __init__(self) -> None:
        self.pids: dict[str, list[int]] = {}
        for process in supervisor.connect().getAllProcessInfo():
            if process["pid"]:
                self.pids.setdefault(process["name"].split("-")[0], []).append(process["pid"])
        # Looked up once: if a process is replaced during a window, its CPU time can no longer be read.
        self.trees = {name: [pid for root in roots for pid in proc.tree(root)] for name, roots in self.pids.items()}

    def usage(self, service: str) -> Usage | None:
        """Read the processes' own clocks.

        The parts' ended processes count too: a database connection is a process, and a reload replaces Nginx's workers.
        """
        try:
            user, system = proc.user_and_system(self.trees[service])
            total = proc.seconds_by_clock(self.trees[service])
            found = {part: sum(map(proc.seconds_with_ended, self.pids.get(name, []))) for name, part in PARTS.items()}
        except (OSError, KeyError):
            return None
        share = user / (user + system) if user + system else 0.0
        return Usage(total * share, total * (1 - share), overflows=proc.accept_queue_overflows(), **found)

    def settings(self, service: str) -> Mapping[str, str]:
        """Read the environment of the service's first process."""
        try:
            text = Path(f"/proc/{self.pids[service][0]}/environ").read_text(errors="replace")
        except (OSError, KeyError):
            return {}
        return dict(pair.split("=", 1) for pair in text.split("\0") if "=" in pair)

    def cpus(self, service: str) -> float | None:
        """Return ``None``: nothing limits a process of this user."""
        del service
        return None


class LocalContainers:
    """Containers of this machine's Docker engine, read as the laboratory reads its own (docker_look.py)."""

    def __init__(self) -> None:
        self.found = docker_look.all_containers(project())

    def usage(self, service: str) -> Usage | None:
        """Read the containers' cgroups, which count all processes of a container."""
        try:
            user, system = (sum(both) for both in zip(*map(docker_look.cpu_seconds, self.found[service]), strict=True))
            found = {part: sum(sum(docker_look.cpu_seconds(one)) for one in self.found.get(name, [])) for name, part in PARTS.items()}
            overflows = sum(map(docker_look.overflows, self.found[service]))
        except (OSError, KeyError, ValueError, EngineError):
            return None
        return Usage(user, system, overflows=overflows, **found)

    def settings(self, service: str) -> Mapping[str, str]:
        """Return the environment that the engine reports."""
        return self.found[service][0].environment if service in self.found else {}

    def cpus(self, service: str) -> float | None:
        """Return the sum of the containers' limits; ``None`` if one of them has no limit."""
        limits = [one.cpus for one in self.found.get(service, [])]
        return sum(limits) if limits and all(limits) else None

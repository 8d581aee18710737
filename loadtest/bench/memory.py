"""Measure the memory of the idle stack: as local processes, and as containers if they are running."""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from loadtest.bench import nginx
from loadtest.bench.cells import new_ports
from loadtest.bench.plan import service
from runtime.compose_file import load
from runtime.docker import stack as runtime_docker
from runtime.docker.compose import compose
from runtime.local.plan import make_plan
from runtime.proc import pss_mib, tree
from runtime.servers import Servers, free_port

AIM_MIB = 450
UNITS = {"B": 1 / 2**20, "KiB": 1 / 2**10, "MiB": 1, "GiB": 2**10}


@dataclass(frozen=True)
class Part:
    """The memory of one service, with all its processes, or of one container."""

    name: str
    processes: int
    mib: float


def idle_stack(folder: Path) -> list[Part]:
    """Measure the idle stack as ``make up RUNTIME=local`` would start it, after one request to each service.

    Supervisor, the databases and the worker are not included.
    """
    plan = make_plan(live=False)
    ports = new_ports(plan)
    with Servers(folder) as servers:
        for process in plan.processes:
            if process.environment.get("PORT"):
                servers.start(process.name, service(process, ports))
        servers.start("nginx", nginx.ours(plan, folder / "nginx-idle", free_port(), ports, plan.nginx_workers))
        servers.wait_until_ready()
        trees = {name: tree(servers.pid(name)) for name in servers.running}
        return [Part(name, len(processes), pss_mib(processes)) for name, processes in trees.items()]


def containers() -> list[Part] | None:
    """Return the memory of each container of the stack, as Docker reports it; ``None`` if any service is not running."""
    if not runtime_docker.answers():
        return None
    ids: list[str] = []
    for name in (entry.name for entry in load()[0].values() if not entry.profiles):
        running = compose("ps", "--quiet", "--status", "running", name, quiet=True).stdout.split()
        if not running:
            return None
        ids += running
    shown = subprocess.run(["docker", "stats", "--no-stream", "--format", "json", *ids], capture_output=True, text=True, timeout=60)
    try:
        found = [Part(line["Name"], int(line["PIDs"]), mib(line["MemUsage"])) for line in map(json.loads, shown.stdout.splitlines())]
    except ValueError:  # Docker prints dashes for a container that has stopped in the meantime
        return None
    return sorted(found, key=lambda part: part.name) if len(found) == len(ids) else None


def mib(usage: str) -> float:
    """Return the first figure of ``45.2MiB / 256MiB`` in MiB. Raise ValueError if there is none."""
    found = re.match(r"([\d.]+)([KMG]?i?B)", usage)
    if not found or found[2] not in UNITS:
        raise ValueError(f"{usage!r} is not an amount of memory")
    return float(found[1]) * UNITS[found[2]]

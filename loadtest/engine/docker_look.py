"""Measure what a container uses and holds: from this machine's /proc and cgroups, or from inside if the engine runs elsewhere.

Docker Desktop's containers run in a virtual machine, and only root may read the memory of another user's process. Reading from
inside costs the container a few milliseconds of CPU time, so it is the second choice.
"""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from loadtest.engine.variants import EngineError, Holding
from runtime import proc
from runtime.docker import stack as runtime_docker

CGROUPS = Path("/sys/fs/cgroup")
# Files with CPU time: of cgroups version 2, and of version 1.
VERSION_2, VERSION_1 = ("cpu.stat",), ("cpuacct.usage", "cpuacct.stat")
READ_INSIDE = "cd /sys/fs/cgroup; if [ -e cpuacct ]; then cd cpuacct; cat cpuacct.usage cpuacct.stat; else cat cpu.stat; fi"
# Appended to runtime/proc.py and run as a script in the container. The script's own process is not counted: what `docker exec` starts
# is no descendant of process 1.
INSIDE = "\nimport json\npids = tree(1)\nprint(json.dumps([len(pids), pss_mib(pids), threads(pids), sockets(pids)]))\n"


@dataclass(frozen=True)
class Container:
    """A container. ``pid`` is its first process on this machine. ``pid`` and ``cgroup`` are ``None`` if it runs elsewhere."""

    id: str
    pid: int | None
    cgroup: Path | None
    addresses: dict[str, str]  # by network
    environment: dict[str, str] = field(default_factory=dict)
    cpus: float = 0.0  # its CPU limit; 0: none


def containers(project: str) -> dict[str, Container]:
    """Return the containers of a Compose project, by service; of a service with replicas, the last one."""
    return {service: replicas[-1] for service, replicas in all_containers(project).items()}


def all_containers(project: str) -> dict[str, list[Container]]:
    """Return all containers of a Compose project, by service."""
    ids = docker("ps", "--all", "--quiet", "--no-trunc", "--filter", f"label=com.docker.compose.project={project}").split()
    found: dict[str, list[Container]] = {}
    for one in json.loads(docker("inspect", *ids)) if ids else []:
        service = one["Config"]["Labels"]["com.docker.compose.service"]
        networks = {name: network["IPAddress"] for name, network in one["NetworkSettings"]["Networks"].items()}
        cgroup = cgroup_here(one["State"]["Pid"], one["Id"])
        environment = dict(pair.split("=", 1) for pair in one["Config"]["Env"] or () if "=" in pair)
        made = Container(
            one["Id"], one["State"]["Pid"] if cgroup else None, cgroup, networks, environment, one["HostConfig"]["NanoCpus"] / 1e9
        )
        found.setdefault(service, []).append(made)
    return found


def cgroup_here(pid: int, container: str) -> Path | None:
    """Return the cgroup of a process if the process belongs to the container, else ``None``.

    If the engine runs elsewhere, the process id belongs to another process here.
    """
    try:
        lines = [line.split(":", 2) for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines()]
    except OSError:
        return None
    for _, controllers, path in lines:
        version_1 = "cpuacct" in controllers.split(",")
        if container in path and (version_1 or not controllers):
            folder = CGROUPS / ("cpuacct" if version_1 else "") / path.lstrip("/")
            if (folder / (VERSION_1 if version_1 else VERSION_2)[0]).is_file():
                return folder
    return None


def check_engine() -> None:
    """Raise EngineError if there is no engine or no image, or if a running stack would share the CPUs with the services under test."""
    if not runtime_docker.answers():
        raise EngineError("No Docker engine with Compose answers. Start Docker, or: RUNTIME=local")
    if missing := runtime_docker.missing_image():
        raise EngineError(f"The image {missing} is not here and cannot be pulled. Without Docker: RUNTIME=local")
    if runtime_docker.services_up() - {"locust-worker"}:
        raise EngineError("The stack is running, and it would share the CPUs with what is measured. First: make down")


def docker(*arguments: str, given: str | None = None) -> str:
    """Run a docker command and return its standard output. If it fails, raise EngineError with its message."""
    # In its own session: Ctrl-C must only reach the laboratory, which stops what it started.
    ran = subprocess.run(["docker", *arguments], input=given, capture_output=True, text=True, errors="replace", start_new_session=True)
    if ran.returncode:
        raise EngineError(f"docker {arguments[0]} failed: {(ran.stderr.strip().splitlines() or ['it does not say why'])[-1]}")
    return ran.stdout


def cpu_seconds(container: Container) -> tuple[float, float]:
    """Return the CPU seconds in user and in system mode of all processes that the container has had so far."""
    if container.cgroup:
        names = VERSION_1 if (container.cgroup / VERSION_1[0]).is_file() else VERSION_2
        text = "".join((container.cgroup / name).read_text() for name in names)
    else:
        text = docker("exec", container.id, "sh", "-c", READ_INSIDE)
    return parse_cpu(text)


def parse_cpu(text: str) -> tuple[float, float]:
    """Return user and system seconds from the text of either version's files.

    Version 1 reports the sum in nanoseconds and the two parts in ticks. The sum is divided in the ratio of the parts.
    """
    found = {words[0]: int(words[-1]) for line in text.splitlines() if (words := line.split())}
    if "user_usec" in found:
        return found["user_usec"] / 1e6, found["system_usec"] / 1e6
    total, user, system = int(text.split()[0]) / 1e9, found["user"], found["system"]
    share = user / (user + system) if user + system else 0.0
    return total * share, total * (1 - share)


def overflows(container: Container) -> int:
    """Return how many connections were rejected because an accept queue of this container was full."""
    here = Path(f"/proc/{container.pid}/net/netstat")
    text = here.read_text() if container.pid else docker("exec", container.id, "cat", "/proc/net/netstat")
    lines = [line.split() for line in text.splitlines() if line.startswith("TcpExt:")]
    return int(dict(zip(*lines, strict=True))["ListenOverflows"])


def holding(all_of_them: Sequence[Container]) -> Holding:
    """Return memory, threads and sockets of these containers together."""
    parts = [holding_here(one) or holding_inside(one) for one in all_of_them]
    return Holding(*(sum(getattr(part, name) for part in parts) for name in Holding.__dataclass_fields__))


def holding_here(container: Container) -> Holding | None:
    """Return those of one container, or ``None`` if this user may not read them."""
    if container.pid is None:
        return None
    try:
        pids = proc.tree(container.pid)
        return Holding(len(pids), proc.pss_mib(pids), proc.threads(pids), proc.sockets(pids))
    except OSError:
        return None


def holding_inside(container: Container) -> Holding:
    """Return those of one container. The same functions run inside it, on its own /proc."""
    script = Path(proc.__file__).read_text() + INSIDE
    return Holding(*json.loads(docker("exec", "--interactive", container.id, "python", "-IS", "-", given=script)))

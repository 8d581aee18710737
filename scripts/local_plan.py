"""The stack as local processes: what compose.yaml says, with this machine's addresses in place of Docker's names."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from scripts import nginx_local
from scripts.compose_file import ROOT, Service, load

RUN = ROOT / ".run"
LAB = RUN / "lab"
# Docker's names, in a URL and in an upstream of Nginx.
URL = re.compile(r"http://(\w+):8000")
SERVER = re.compile(r"server (\w+):8000 resolve([^;]*);")


@dataclass(frozen=True)
class Process:
    """One process for Supervisor to keep alive."""

    name: str
    command: list[str]
    folder: Path
    environment: dict[str, str]
    stop_signal: str
    stop_seconds: int


@dataclass(frozen=True)
class Plan:
    """All processes, the ports they need, and where the stack is found."""

    processes: list[Process]
    ports: list[tuple[str, int, str]]  # address, number, the variable that changes it
    base: str
    nginx_values: dict[str, str]
    nginx_command: list[str]
    nginx_workers: str
    nginx_is: str


def make_plan(reload: bool = False) -> Plan:
    """Read compose.yaml and give each replica a port on the loopback address."""
    services, document = load()
    python_services = [service for service in services.values() if service.folder and not service.profiles]
    port = int(document["x-local"]["first_port"])
    addresses: dict[str, list[int]] = {}
    for service in python_services:
        addresses[service.name] = list(range(port, port + service.replicas))
        port += service.replicas
    processes = [python_process(service, number, addresses, reload) for service in python_services for number in range(service.replicas)]

    bind, http_port, _ = services["nginx"].ports[0].rsplit(":", 2)
    values = {name: local_servers(value, addresses) for name, value in services["nginx"].environment.items()}
    values |= {"NGINX_LISTEN": f"{bind}:{http_port}", "NGINX_SPOOL": "spool", "NGINX_RESOLVER": "127.0.0.1"}
    values["LOCUST"] = f"127.0.0.1:{document['x-local']['locust_port']}"
    workers = re.search(r"worker_processes (\w+);", document["services"]["nginx"]["command"][-1])
    assert workers
    nginx, nginx_is = nginx_local.find_nginx()
    folder = RUN / "nginx"
    command = [*nginx, *nginx_local.arguments(folder, workers[1])]
    processes.append(Process("nginx", command, RUN, {}, "QUIT", services["nginx"].stop_seconds))
    ports = [(bind, int(http_port), "HTTP_PORT")]
    ports += [("127.0.0.1", number, "LOCAL_PORT") for numbers in addresses.values() for number in numbers]
    return Plan(processes, ports, f"http://{bind}:{http_port}", values, nginx, workers[1], nginx_is)


def python_process(service: Service, number: int, addresses: dict[str, list[int]], reload: bool) -> Process:
    """Replica ``number`` of a service, with the command of its Dockerfile."""
    assert service.folder
    environment = {
        name: URL.sub(lambda found: f"http://127.0.0.1:{addresses[found[1]][0]}", value) for name, value in service.environment.items()
    }
    environment |= {
        "HOST": "127.0.0.1",
        "PORT": str(addresses[service.name][number]),
        "CPUS": f"{service.cpus:g}",  # no cgroup limits this process: it is told what the container would be given
        "PYTHONPATH": str(ROOT / "services" / "shared"),
        "RELOAD": "true" if reload else "",
    }
    name = service.name if service.replicas == 1 else f"{service.name}-{number + 1}"
    program, *arguments = service.command
    return Process(name, [str(Path(sys.prefix) / "bin" / program), *arguments], service.folder, environment, "TERM", service.stop_seconds)


def local_servers(value: str, addresses: dict[str, list[int]]) -> str:
    """The ``server`` lines of an upstream: one for each replica, where Docker has one name for all."""
    return SERVER.sub(lambda found: " ".join(f"server 127.0.0.1:{port}{found[2]};" for port in addresses[found[1]]), value)

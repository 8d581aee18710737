"""The stack as local processes: the services of compose.yaml, with this machine's addresses in place of Docker's names."""

import re
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from runtime import secrets
from runtime.compose_file import ROOT, Service, load
from runtime.environment import for_servers
from runtime.live import MONITOR, without_live
from runtime.local import data as data_local
from runtime.local import nginx as nginx_local

RUN = ROOT / ".run"
LAB = RUN / "lab"
# The folders that replace the containers' volumes.
FOLDERS = {"TLS_FOLDER": str(RUN / "tls"), "AUTHORITY_FOLDER": str(RUN / "authority"), "ACME_FOLDER": str(RUN / "acme")}
FOLDERS |= {"LIVE_FOLDER": str(RUN / "live"), "COUNTERS": str(RUN / "live"), "RESULTS_FOLDER": str(ROOT / "results")}
# Docker's service names, in a URL and in an upstream of Nginx.
URL = re.compile(r"(http://|redis://|@)(\w+):(?:8000|5432|6379)\b")
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
    """All processes, the ports that they need, and the addresses of the stack."""

    document: dict[str, Any]  # compose.yaml
    data_ports: dict[str, int]  # of PostgreSQL and Valkey
    jobs: list[Process]  # run to completion, one after another, before the first process starts
    data: list[Process]  # PostgreSQL and Valkey
    data_jobs: list[Process]  # run to completion when PostgreSQL and Valkey answer, before the others start
    processes: list[Process]  # all others
    ports: list[tuple[str, int, str]]  # address, number, the variable that changes it
    base: str
    secure_base: str
    nginx_values: dict[str, str]
    nginx_command: list[str]
    nginx_workers: str
    nginx_is: str


def make_plan(reload: bool = False, live: bool = True) -> Plan:
    """Read compose.yaml and give each replica a port on the loopback address. Without ``live``, leave out the live view."""
    services, document = load()
    if not live:
        services = {name: replace(one, environment=without_live(one.environment)) for name, one in services.items() if name != MONITOR}
    ours = [service for service in services.values() if service.folder and not service.profiles]
    lasting = [service for service in ours if not service.ends]
    port = int(document["x-local"]["first_port"])
    addresses: dict[str, list[int]] = {}
    for service in (service for service in lasting if service.listens):
        addresses[service.name] = list(range(port, port + service.replicas))
        port += service.replicas
    data_ports = {"postgres": port, "valkey": port + 1}
    addresses |= {name: [number] for name, number in data_ports.items()}
    processes = [python_process(service, number, addresses, document, reload) for service in lasting for number in range(service.replicas)]

    commands = {
        "postgres": data_local.postgres_command(document, RUN / "postgres", data_ports["postgres"]),
        "valkey": data_local.valkey_command(document, data_ports["valkey"]),
    }
    signals = {name: document["services"][name]["stop_signal"].removeprefix("SIG") for name in commands}
    data = [Process(name, command, RUN, {}, signals[name], services[name].stop_seconds) for name, command in commands.items()]

    jobs: list[Process] = []
    data_jobs: list[Process] = []
    for service in (service for service in ours if service.ends):
        job = python_process(service, 0, addresses, document, reload)
        (data_jobs if commands.keys() & service.needs else jobs).append(job)

    (bind, http_port, _), (_, https_port, _) = (published.rsplit(":", 2) for published in services["nginx"].ports)
    values = {name: local_servers(value, addresses) for name, value in services["nginx"].environment.items()}
    values |= {"NGINX_LISTEN": f"{bind}:{http_port}", "NGINX_LISTEN_TLS": f"{bind}:{https_port}"}
    values |= {"NGINX_SPOOL": "spool", "NGINX_RESOLVER": "127.0.0.1", **local_folders(values)}
    values["LOCUST"] = f"127.0.0.1:{document['x-local']['locust_port']}"
    values["MONITOR"] = f"127.0.0.1:{addresses[MONITOR][0]}" if MONITOR in addresses else ""
    workers = re.search(r"worker_processes (\w+);", document["services"]["nginx"]["command"][-1])
    assert workers
    nginx, nginx_is = nginx_local.find_nginx()
    values["TLS_CURVES"] = nginx_local.known_curves(nginx, values["TLS_CURVES"])
    folder = RUN / "nginx"
    command = [*nginx, *nginx_local.arguments(folder, workers[1])]
    processes.append(Process("nginx", command, RUN, {}, "QUIT", services["nginx"].stop_seconds))
    ports = [(bind, int(http_port), "HTTP_PORT"), (bind, int(https_port), "HTTPS_PORT")]
    ports += [("127.0.0.1", number, "LOCAL_PORT") for numbers in addresses.values() for number in numbers]
    base, secure_base = f"http://{bind}:{http_port}", f"https://{services['nginx'].environment['SERVER_NAMES'].split()[0]}:{https_port}"
    return Plan(document, data_ports, jobs, data, data_jobs, processes, ports, base, secure_base, values, nginx, workers[1], nginx_is)


def python_process(service: Service, number: int, addresses: dict[str, list[int]], document: dict[str, Any], reload: bool) -> Process:
    """Return the process of replica ``number`` of a service, with its command."""
    assert service.folder
    environment = {
        name: URL.sub(lambda found: f"{found[1]}127.0.0.1:{addresses[found[2]][0]}", data_local.local_secret(value, document))
        for name, value in service.environment.items()
    }
    environment |= {
        "HOST": "127.0.0.1",
        **({"PORT": str(addresses[service.name][number])} if service.listens else {}),
        "CPUS": f"{service.cpus:g}",  # no cgroup limits this process: pass the container's CPU limit
        "PYTHONPATH": str(ROOT / "services" / "shared"),
        "RELOAD": "true" if reload else "",
        **local_folders(service.environment),
    }
    name = service.name if service.replicas == 1 else f"{service.name}-{number + 1}"
    if "ALIVE_FILE" in environment:
        environment["ALIVE_FILE"] = str(RUN / f"{name}.alive")
    program, *arguments = service.command
    return Process(name, [str(Path(sys.prefix) / "bin" / program), *arguments], service.folder, environment, "TERM", service.stop_seconds)


def local_folders(environment: dict[str, str]) -> dict[str, str]:
    """Return the variables that name a container's folder, with the local folder that replaces it."""
    return {name: folder for name, folder in FOLDERS.items() if environment.get(name)}


def run_jobs(jobs: list[Process]) -> str | None:
    """Run jobs that must finish before others start. Return the error output of a failed job, otherwise ``None``."""
    for folder in FOLDERS.values():
        Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    secrets.make_missing(secrets.files())
    for job in jobs:
        done = subprocess.run(job.command, cwd=job.folder, env=for_servers() | job.environment, capture_output=True, text=True)
        if done.returncode:
            return (done.stderr.strip() or f"{job.name} ended with status {done.returncode}").removeprefix("twogates: ")
    return None


def local_servers(value: str, addresses: dict[str, list[int]]) -> str:
    """Return the ``server`` lines of an upstream: one for each replica, where Docker has one name for all."""
    return SERVER.sub(lambda found: " ".join(f"server 127.0.0.1:{port}{found[2]};" for port in addresses[found[1]]), value)

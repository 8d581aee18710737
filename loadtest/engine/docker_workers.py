"""Load generators in containers: the service locust-worker of compose.yaml, with as many containers as requested.

The containers under load join their network, and the generators use their addresses there. So the load takes the same path as
from a process of this machine: through no published port, and through nothing that another machine can reach.
"""

import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from loadtest.engine.docker_look import check_engine, docker
from loadtest.engine.variants import EngineError
from loadtest.engine.watchdog import keep
from runtime.compose_file import ROOT, load, variables
from runtime.docker.compose import without_progress
from runtime.environment import for_network
from runtime.servers import uninterrupted

SERVICE = "locust-worker"
COMPOSE = ("docker", "compose", "--profile", "lab")


def master_port() -> int:
    """Return the port at which the workers expect the master: LAB_PORT."""
    return int(load()[1]["services"][SERVICE]["command"][-1])


def master_address() -> str:
    """Return the address that containers know as host-gateway if this machine has it; else (Docker Desktop) the loopback address."""
    bridge = json.loads(docker("network", "inspect", "bridge"))[0]
    gateway = str(bridge["IPAM"]["Config"][0].get("Gateway", "127.0.0.1"))
    with socket.socket() as probe:
        try:
            probe.bind((gateway, 0))
        except OSError:
            return "127.0.0.1"
    return gateway


def network() -> str:
    """Return the network of the running load generators. Raise EngineError if none runs."""
    ids = subprocess.run([*COMPOSE, "ps", "--quiet", SERVICE], cwd=ROOT, capture_output=True, text=True).stdout.split()
    if not ids:
        raise EngineError(
            f"No load generator runs in a container. Start two: docker compose --profile lab up --scale {SERVICE}=2 {SERVICE}"
        )
    return str(next(iter(json.loads(docker("inspect", ids[0]))[0]["NetworkSettings"]["Networks"])))


@contextmanager
def worker_containers(count: int, cpus: set[int] | None) -> Iterator[None]:
    """Run ``count`` worker containers on the CPUs ``cpus`` for the duration of the block. Raise EngineError if they do not start."""
    check_engine()
    keep(f"project {variables().get('COMPOSE_PROJECT_NAME') or load()[1]['name']}")
    environment = {**for_network(), "LOCUST_CPUSET": ",".join(map(str, sorted(cpus or ())))}
    command = [*COMPOSE, "up", "--detach", "--build", "--quiet-pull", "--scale", f"{SERVICE}={count}", SERVICE]
    try:
        ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, start_new_session=True)
        if ran.returncode:
            raise EngineError(f"The load generators did not start: {without_progress(ran.stderr)}")
        yield
    finally:
        with uninterrupted():
            subprocess.run([*COMPOSE, "down", "--timeout", "1"], cwd=ROOT, capture_output=True, start_new_session=True)

"""Kill a replica, in either runtime."""

import os
import signal

from runtime.choice import running
from runtime.console import fail
from runtime.docker.compose import compose, docker
from runtime.local import stack as runtime_local
from runtime.local import supervisor


def kill(service: str) -> str:
    """Kill the last replica of a service, and return its name."""
    last = replicas(service)[-1]
    if running()[0] is runtime_local:
        [pid] = [one["pid"] for one in supervisor.connect().getAllProcessInfo() if one["name"] == last]
        os.kill(pid, signal.SIGKILL)
        return last
    docker("kill", "--signal=KILL", last)
    return docker("inspect", "--format={{.Name}}", last).removeprefix("/")


def replicas(service: str) -> list[str]:
    """Return the running replicas of a service.

    Exit with status 2 if there are fewer than two: clients would have no replica to reconnect to.
    """
    if running()[0] is runtime_local:
        found = [str(one["name"]) for one in supervisor.connect().getAllProcessInfo() if one["name"].startswith(service) and one["pid"]]
    else:
        found = compose("ps", "--quiet", service, quiet=True).stdout.split()
    if len(found) < 2:
        fail(f"KILL is {service}, which has one replica; accepted: a service with two, as after make up {service.upper()}_REPLICAS=2", 2)
    return found


def bring_back(service: str) -> None:
    """Start the killed replica. Docker treats it as stopped manually and does not restart it; Supervisor restarts it itself."""
    if running()[0] is not runtime_local:
        for one in compose("ps", "--quiet", "--all", service, quiet=True).stdout.split():
            docker("start", one)

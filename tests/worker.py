"""The worker of the running stack, in either runtime: kill, stop and start it."""

import os
import signal
import subprocess

from runtime.choice import running
from runtime.local import stack as runtime_local
from runtime.local import supervisor
from tests.conftest import ROOT


def local() -> bool:
    return running()[0] is runtime_local


def docker(*words: str) -> str:
    done = subprocess.run(["docker", *words], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def processes() -> dict[str, int]:
    """Return the process id of each replica, by its name or its container id."""
    if local():
        found = supervisor.connect().getAllProcessInfo()
        return {process["name"]: process["pid"] for process in found if process["name"].split("-")[0] == "worker"}
    ids = docker("compose", "ps", "--all", "--quiet", "worker").split()
    return {one: int(docker("inspect", "--format", "{{.State.Pid}}", one)) for one in ids}


def kill() -> None:
    """Send SIGKILL to all replicas, whatever they are doing. They come back."""
    if local():
        for pid in processes().values():
            os.kill(pid, signal.SIGKILL)
        return
    ids = [*processes()]
    docker("kill", *ids)
    docker("start", *ids)  # Docker treats a kill through the engine as intentional and does not restart the container


def stop() -> None:
    """Stop the replicas as the runtime does: they finish the jobs in progress."""
    if not local():
        docker("stop", *processes())
        return
    for name in processes():
        supervisor.connect().stopProcess(name)


def start() -> None:
    if not local():
        docker("start", *processes())  # Compose would run migrate again
        return
    for name in processes():
        supervisor.connect().startProcess(name)

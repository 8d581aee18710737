"""Supervisor: write its configuration from a plan, and connect to the running instance."""

import http.client
import shlex
import subprocess
import sys
import time
import xmlrpc.client
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from runtime.checkout import SOCKET
from runtime.console import fail
from runtime.environment import for_servers
from runtime.local.plan import RUN, Process

CONFIGURATION = RUN / "supervisord.conf"
LOGS = RUN / "logs"
FIRST = ("monitor", "nginx")  # stopped first: Nginx would wait for the monitor's event streams to end, and Nginx accepts new clients
LAST = {"postgres", "valkey"}  # stopped last, when no other process needs them

HEAD = """\
[supervisord]
pidfile={run}/supervisord.pid
logfile={run}/logs/supervisord.log
logfile_maxbytes=1MB
logfile_backups=1
childlogdir={run}/logs
identifier=twogates

[unix_http_server]
file={socket}
chmod=0600

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""

PROGRAM = """
[program:{name}]
command={command}
directory={folder}
environment={environment}
; starts in this order, and stops in the other: what others need is there as long as they are. Default: by name
priority={priority}
stopsignal={signal}
; longer than the server's own time for requests in flight; then the whole group is killed
stopwaitsecs={seconds}
killasgroup=true
; a server that ends within a second did not start
startsecs=1
startretries=2
autorestart=true
redirect_stderr=true
stdout_logfile={logs}/{name}.log
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=2
"""


def write_configuration(processes: list[Process]) -> None:
    """Write Supervisor's configuration. Supervisor expands ``%``, so every ``%`` is doubled."""
    LOGS.mkdir(parents=True, exist_ok=True)
    text = HEAD.format(run=escape(RUN), socket=escape(SOCKET))
    for priority, process in enumerate(processes, 1):
        pairs = ",".join(f'{name}="{escape(value)}"' for name, value in sorted(process.environment.items()))
        text += PROGRAM.format(
            name=process.name,
            command=escape(shlex.join(process.command)),
            folder=escape(process.folder),
            environment=pairs,
            priority=priority,
            signal=process.stop_signal,
            seconds=process.stop_seconds,
            logs=escape(LOGS),
        )
    CONFIGURATION.write_text(text)


def escape(value: str | Path) -> str:
    return str(value).replace("%", "%%")


def connect() -> Any:
    """Return a proxy to the methods of the running Supervisor, ``None`` if none runs."""
    proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=SupervisorTransport("", "", f"unix://{SOCKET}")).supervisor
    try:
        proxy.getState()
    except (OSError, http.client.HTTPException, xmlrpc.client.Error):
        return None
    return proxy


def start() -> None:
    """Start Supervisor, or make the running one apply what changed. Unchanged processes keep running."""
    running = connect()
    if running is None:
        SOCKET.unlink(missing_ok=True)
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(CONFIGURATION)]
        started = subprocess.run(command, env=for_servers(), capture_output=True, text=True)  # its child processes inherit env
        if started.returncode:
            fail(f"Supervisor did not start: {(started.stdout + started.stderr).strip()}")
        return
    [(added, changed, removed)] = running.reloadConfig()
    for name in [*removed, *changed]:
        running.stopProcessGroup(name)
        running.removeProcessGroup(name)
    for name in [*changed, *added]:
        running.addProcessGroup(name)


def start_stopped() -> None:
    """Restart the processes that are stopped, or that Supervisor gave up, if a Supervisor runs."""
    running = connect()
    for process in running.getAllProcessInfo() if running else []:
        if process["statename"] in ("STOPPED", "EXITED", "FATAL"):
            running.startProcess(process["name"], False)


def failure() -> str | None:
    """Return what went wrong with a process that Supervisor gave up, with the end of its log; ``None`` if there is none."""
    running = connect()
    if running is None:
        return "Supervisor is gone; its log is .run/logs/supervisord.log"
    for process in running.getAllProcessInfo():
        if process["statename"] == "FATAL":
            end = (LOGS / f"{process['name']}.log").read_text(errors="replace").strip().splitlines()[-3:]
            return f"{process['name']} does not start:\n  " + "\n  ".join(end)
    return None


def stop(seconds: float) -> bool:
    """Stop every process and Supervisor itself. Return whether Supervisor was running."""
    running = connect()
    if running is None:
        return False
    pid = running.getPID()
    # Wait only for Nginx, so that no new client is accepted. Then stop all services concurrently: Supervisor would stop one after another.
    names = {process["name"] for process in running.getAllProcessInfo() if process["statename"] in ("RUNNING", "STARTING")} - LAST
    for name in [*(one for one in FIRST if one in names), *sorted(names.difference(FIRST))]:
        running.stopProcess(name, name == "nginx")
    running.shutdown()
    deadline = time.monotonic() + seconds
    while Path(f"/proc/{pid}").exists() if Path("/proc").exists() else connect() is not None:
        if time.monotonic() > deadline:
            fail(f"Supervisor (process {pid}) did not stop within {seconds:.0f} seconds; its log is .run/logs/supervisord.log")
        time.sleep(0.05)
    return True

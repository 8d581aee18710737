"""Supervisor: its configuration from a plan, and a connection to the one that runs."""

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
FIRST = ("monitor", "nginx")  # stopped before all others: the event streams, for whose end Nginx would wait, and who lets people in
LAST = {"postgres", "valkey"}  # stopped when nobody needs them any more

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
    """Write what Supervisor reads. Supervisor expands ``%``; it and the quotes are escaped."""
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
    """A proxy to the running Supervisor's methods, ``None`` when none runs."""
    proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=SupervisorTransport("", "", f"unix://{SOCKET}")).supervisor
    try:
        proxy.getState()
    except (OSError, http.client.HTTPException, xmlrpc.client.Error):
        return None
    return proxy


def start() -> None:
    """Start Supervisor, or tell the running one to take over what changed and leave the rest running."""
    running = connect()
    if running is None:
        SOCKET.unlink(missing_ok=True)
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(CONFIGURATION)]
        started = subprocess.run(command, env=for_servers(), capture_output=True, text=True)  # which all that it starts inherits
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
    """Start again what was stopped, or given up, in a Supervisor that runs."""
    running = connect()
    for process in running.getAllProcessInfo() if running else []:
        if process["statename"] in ("STOPPED", "EXITED", "FATAL"):
            running.startProcess(process["name"], False)


def failure() -> str | None:
    """What went wrong with a process that Supervisor gave up, with the end of its log."""
    running = connect()
    if running is None:
        return "Supervisor is gone; its log is .run/logs/supervisord.log"
    for process in running.getAllProcessInfo():
        if process["statename"] == "FATAL":
            end = (LOGS / f"{process['name']}.log").read_text(errors="replace").strip().splitlines()[-3:]
            return f"{process['name']} does not start:\n  " + "\n  ".join(end)
    return None


def stop(seconds: float) -> bool:
    """Stop every process and Supervisor itself; whether one was running."""
    running = connect()
    if running is None:
        return False
    pid = running.getPID()
    # Nginx first, so that nobody is let in any more, then all services at once; Supervisor alone would stop one after the other.
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

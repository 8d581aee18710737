"""Render compose.yaml as systemd units: the same commands and values as the local processes, with a host's folders."""

import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from string import Template
from typing import Any

from runtime.compose_file import ROOT, load
from runtime.local import data as data_local
from runtime.local import nginx as nginx_local
from runtime.local.plan import Plan, Process, make_plan

HERE = Path(__file__).parent
STATIC = ("twogates.target", "twogates.sysusers.conf", "twogates.logrotate", "twogates-.service.d/hardening.conf")
# The folders that systemd creates for StateDirectory=, CacheDirectory=, LogsDirectory= and RuntimeDirectory=.
STATE, CACHE, LOGS, RUNTIME = "/var/lib/twogates", "/var/cache/twogates-nginx", "/var/log/twogates-nginx", "/run/twogates-nginx"
SECRETS = "/etc/twogates/secrets"  # root creates the files there
PLACES = {"TLS_FOLDER": f"{STATE}/tls", "AUTHORITY_FOLDER": f"{STATE}/authority", "ACME_FOLDER": f"{STATE}/acme"}
PLACES |= {"ALIVE_FILE": "/tmp/alive"}  # noqa: S108  PrivateTmp= gives each unit its own /tmp
PLACES |= {"LIVE_FOLDER": f"{STATE}/live", "RESULTS_FOLDER": f"{STATE}/results"}  # unused: a host has no live view
ACCESS_LOG = "access_log /dev/stdout "
# The database and the cache come from the host's distribution: their ports, and their units, whose names differ between distributions.
DATA_PORTS = {"postgres": 5432, "valkey": 6379}
DATA_UNITS = {"postgres": ["postgresql.service"], "valkey": ["valkey.service", "valkey-server.service"]}
ACL_FILE = "/etc/valkey/twogates.acl"
LOWEST_FREE_PORT = 1024


def render(folder: Path) -> Plan:
    """Write every unit, and Nginx's configuration, to ``folder``; return the plan that they come from.

    Only the path of Nginx's configuration depends on ``folder``.
    """
    plan = make_plan(live=False)
    entries = load()[1]["services"]
    files = {name: (HERE / name).read_text() for name in STATIC}
    for process in plan.processes:
        if process.name != "nginx":
            files[unit(process.name)] = server(process, plan, entries)
    for job in plan.jobs:
        files[unit(job.name)] = fill("job", {**common(job, entries), "COMMAND": line(job.command)})
    for job in plan.data_jobs:
        files[unit(job.name)] = data_job(job, plan, entries)
    files["twogates.postgresql.conf"], files["twogates.valkey.conf"] = postgres_settings(entries), valkey_settings(entries)
    files[unit("nginx")] = nginx(plan, entries, folder / "nginx")
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    render_nginx(folder / "nginx", plan.nginx_values)
    return plan


def unit(name: str) -> str:
    return f"twogates-{name}.service"


def fill(template: str, values: Mapping[str, str]) -> str:
    """Return a template with its values filled in; systemd's own $MAINPID stays."""
    return Template((HERE / f"{template}.service.template").read_text()).safe_substitute(values)


def service_of(process: Process, entries: Mapping[str, Any]) -> str:
    """Return the compose.yaml service of a process, which may be one of several replicas."""
    return process.name if process.name in entries else process.name.rsplit("-", 1)[0]


def common(process: Process, entries: Mapping[str, Any]) -> dict[str, str]:
    """Return the values that every unit needs."""
    limits = entries[service_of(process, entries)]["deploy"]["resources"]["limits"]
    environment = {**process.environment, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
    environment |= {name: place for name, place in PLACES.items() if name in environment}
    return {
        "NAME": process.name,
        "FOLDER": escape(str(process.folder)),
        "ENVIRONMENT": "\n".join(f"Environment={quoted(f'{name}={value}')}" for name, value in environment.items() if value),
        "SIGNAL": process.stop_signal,
        "STOP_SECONDS": str(process.stop_seconds),
        "MEMORY": str(limits["memory"]).upper(),
        "CPU_PERCENT": f"{float(limits['cpus']) * 100:g}",
        "TASKS": str(limits["pids"]),
    }


def with_data(process: Process, plan: Plan, entries: Mapping[str, Any]) -> dict[str, str]:
    """Return the common values, with the host's database, cache and secrets in place of the local runtime's."""
    entry = entries[service_of(process, entries)]
    secrets = [one if isinstance(one, str) else one["source"] for one in entry.get("secrets", [])]
    # LoadCredential= gives the unit each secret as a file in memory that no other unit can read; %d is systemd's name for the folder.
    moved = {str(ROOT / one["file"]): f"%d/{name}" for name, one in plan.document["secrets"].items()}
    moved |= {f"{data_local.SECRETS}{name}": f"%d/{name}" for name in secrets}
    addresses = {f"127.0.0.1:{plan.data_ports[name]}/": f"127.0.0.1:{port}/" for name, port in DATA_PORTS.items()}
    environment = {}
    for name, value in process.environment.items():
        for local, there in addresses.items():
            value = value.replace(local, there)
        environment[name] = moved.get(value, value)
    values = common(replace(process, environment=environment), entries)
    values["ENVIRONMENT"] = values["ENVIRONMENT"].replace("=%%d/", "=%d/")
    needed = entry.get("depends_on", {})
    after = [unit(other.name) for other in [*plan.data_jobs, *plan.processes] if service_of(other, entries) in needed]
    after += [name for dependency in needed for name in DATA_UNITS.get(dependency, [])]
    return values | {
        "AFTER": "".join(f" {name}" for name in after),
        "CREDENTIALS": "".join(f"LoadCredential={name}:{SECRETS}/{name}\n" for name in secrets),
    }


def data_job(job: Process, plan: Plan, entries: Mapping[str, Any]) -> str:
    """Return the unit of a job that prepares the data before the services start."""
    return fill("data_job", {**with_data(job, plan, entries), "COMMAND": line(job.command)})


def postgres_settings(entries: Mapping[str, Any]) -> str:
    """Return the settings of compose.yaml as a file for PostgreSQL's conf.d."""
    options = [word.removeprefix("--").split("=", 1) for word in entries["postgres"]["command"][1:]]
    return "".join(f"{name.replace('-', '_')} = '{value}'\n" for name, value in options)


def valkey_settings(entries: Mapping[str, Any]) -> str:
    """Return Valkey's settings of compose.yaml as a file for an include in Valkey's own configuration."""
    words = entries["valkey"]["command"][1:]
    options = dict(zip(words[::2], words[1::2], strict=True)) | {"--aclfile": ACL_FILE}
    return "".join(f"{name.removeprefix('--')} {value or chr(34) * 2}\n" for name, value in options.items())


def server(process: Process, plan: Plan, entries: Mapping[str, Any]) -> str:
    """Return the unit of a Python server."""
    values = with_data(process, plan, entries)
    if Path(process.command[0]).name == "gunicorn":
        # Gunicorn notifies systemd when it listens. On SIGHUP it starts a new set of workers and then stops the old set.
        start = f"Type=notify\nExecStart={line(process.command)}\nExecReload=/bin/kill -HUP $MAINPID"
    else:
        # Daphne and the worker do not notify systemd, and SIGHUP ends them, so they have no reload. The unit repeats their containers'
        # health check while the process lives, and counts as started when the check succeeds.
        asked = line([sys.executable, "-m", "twogates.server.healthcheck"])
        wait = f"until {asked} >/dev/null 2>&1; do kill -0 $$MAINPID || exit 1; sleep 0.2; done"
        start = f"Type=exec\nExecStart={line(process.command)}\nExecStartPost=/bin/sh -c '{wait}'"
    return fill(
        "server",
        values
        | {
            "START": start,
            "SOCKET": f"SocketBindAllow=tcp:{port}" if (port := process.environment.get("PORT")) else "",
            "WANTS": "".join(f"Wants={unit(job.name)}\n" for job in plan.data_jobs if unit(job.name) in values["AFTER"]),
        },
    )


def nginx(plan: Plan, entries: Mapping[str, Any], folder: Path) -> str:
    """Return the unit of Nginx, whose configuration is in ``folder``."""
    [process] = [process for process in plan.processes if process.name == "nginx"]
    directives = f"daemon off; pid {RUNTIME}/nginx.pid; worker_processes {plan.nginx_workers};"
    command = [*plan.nginx_command, "-p", str(folder), "-c", "nginx.conf", "-e", "stderr", "-g", directives]
    ports = sorted({number for _, number, variable in plan.ports if variable != "LOCAL_PORT"})
    bind = "# Ports below 1024 are root's. This is the one capability that is needed, and Nginx's workers drop it.\n"
    bind += "AmbientCapabilities=CAP_NET_BIND_SERVICE\nCapabilityBoundingSet=CAP_NET_BIND_SERVICE\nPrivateUsers=no\n"
    values = common(process, entries)
    jobs = " ".join(unit(job.name) for job in plan.jobs)
    servers = "".join(f" {unit(one.name)}" for one in plan.processes if one is not process)
    return fill(
        "nginx",
        values
        | {
            "COMMAND": line(command),
            "AFTER": f" {jobs}{servers}",
            "REQUIRES": jobs,
            "SOCKETS": "\n".join(f"SocketBindAllow=tcp:{number}" for number in ports),
            "PRIVILEGED": bind if min(ports) < LOWEST_FREE_PORT else "",
        },
    )


def render_nginx(folder: Path, values: Mapping[str, str]) -> None:
    """Write Nginx's configuration with a host's folders in it."""
    nginx_local.render(folder, {**values, "NGINX_SPOOL": CACHE, **PLACES})
    (folder / "spool").rmdir()
    # Under systemd a service's output is a socket of the journal, and Nginx cannot open a socket through the path /dev/stdout.
    (folder / "http").unlink()
    (folder / "http").mkdir()
    for path in sorted((ROOT / "nginx" / "http").glob("*.conf")):
        (folder / "http" / path.name).write_text(path.read_text().replace(ACCESS_LOG, f"access_log {LOGS}/access.log "))


def line(command: list[str]) -> str:
    """Return a command as ExecStart= reads it: without a shell, but with quotes, specifiers and variables."""
    return " ".join(quoted(word, variables=True) for word in command)


def escape(text: str) -> str:
    """Escape a text so that systemd finds no specifier in it."""
    return text.replace("%", "%%")


def quoted(word: str, variables: bool = False) -> str:
    """Return a word escaped for systemd, in double quotes if it needs them."""
    text = escape(word).replace("\\", "\\\\").replace('"', '\\"')
    if variables:
        text = text.replace("$", "$$")
    return text if re.fullmatch(r"[\w@%+=:,./$-]+", text) else f'"{text}"'

"""The stack as plain processes of this user, under Supervisor: no Docker, no root, nothing outside the checkout."""

import os
import re
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from rich.table import Table

from runtime import checkout, ports, venv
from runtime.compose_file import variables
from runtime.console import console, fail, say, show_addresses
from runtime.environment import for_servers
from runtime.error_hints import known
from runtime.local import data as data_local
from runtime.local import nginx as nginx_local
from runtime.local import orphans, supervisor
from runtime.local.plan import RUN, Plan, make_plan, run_jobs
from runtime.progress import step
from runtime.ready import wait_until_ready

START_SECONDS = 60


def up(reload: bool = False) -> None:
    """Start every process that does not run yet, and wait until all of them answer."""
    if variables().get("PROFILE") == "production":
        fail("PROFILE is production, and these are processes of one user without limits; accepted: Docker, or systemd (docs/production.md)")
    if variables().get("HTTP3") == "on":
        fail("HTTP3 is 'on', and the Nginx of this runtime does not speak it; accepted: off, or Docker")
    if variables().get("PGBOUNCER") == "on":
        fail("PGBOUNCER is 'on', and this runtime has none; accepted: off, or Docker")
    if wrong := checkout.unusable():
        fail(f"{wrong}. Move the checkout, or use Docker")
    venv.ensure("services")  # type: ignore[no-untyped-call]
    plan = make_plan(reload)
    running = supervisor.connect()
    if orphans.orphans():
        fail("Processes of a stack that was killed are left. End them with: make down")
    check_ports(plan, held_ports() if running else set())
    say(f"  {plan.nginx_is}")
    with step("secrets, certificate and the database's files"):
        if wrong := run_jobs(plan.jobs) or data_local.initialise(plan.document, RUN / "postgres"):
            fail("\n".join(filter(None, [wrong, known(wrong)])))
        nginx_local.render(RUN / "nginx", plan.nginx_values)
        if wrong := nginx_local.check(plan.nginx_command, RUN / "nginx", plan.nginx_workers):
            fail(f"Nginx does not accept its configuration:\n{wrong}")
    nginx_runs = running is not None and any(process["name"] == "nginx" for process in running.getAllProcessInfo())
    if running is None:  # only PostgreSQL and Valkey: the other processes wait for the jobs that need these two
        supervisor.write_configuration(plan.data)
        supervisor.start()
    supervisor.start_stopped()
    try:
        with step("PostgreSQL and Valkey"):
            data_local.wait_until_ready(plan.data_ports, START_SECONDS, supervisor.failure)
        with step("the database's schema"):
            if wrong := run_jobs(plan.data_jobs):
                fail(f"{wrong}\nStop what did start: make down")
        supervisor.write_configuration([*plan.data, *plan.processes])
        supervisor.start()
        if nginx_runs:
            running.signalProcess("nginx", "HUP")
        environments = [process.environment for process in plan.processes]
        alive = [f"http://127.0.0.1:{environment['PORT']}/healthz" for environment in environments if environment.get("PORT")]
        files = [Path(environment["ALIVE_FILE"]) for environment in environments if "ALIVE_FILE" in environment]
        with step("Nginx, the services and the worker"):
            answers = wait_until_ready(plan.base, START_SECONDS, supervisor.failure, alive, files)
    except TimeoutError as error:
        advice = known(str(error)) or "All logs: make logs."
        fail(f"{error}\n{advice} Stop what did start: make down")
    show_addresses(plan.base, plan.secure_base, answers)


def reload() -> None:
    """Make Nginx apply the changes in nginx/ and in its variables, if it accepts them."""
    plan = make_plan()
    tried = RUN / "nginx-tried"
    nginx_local.render(tried, plan.nginx_values)
    if wrong := nginx_local.check(plan.nginx_command, tried, plan.nginx_workers):
        fail(f"Nginx goes on with the configuration it has, since it does not accept the new one:\n{wrong}")
    nginx_local.render(RUN / "nginx", plan.nginx_values)
    supervisor.connect().signalProcess("nginx", "HUP")
    say("Nginx has its new configuration.")


def admin() -> None:
    """Let Django create the user of its admin site, or set a new password for that user."""
    django = next(process for process in make_plan().processes if process.name in ("django", "django-1"))
    environment = for_servers() | django.environment
    done = subprocess.run(
        [sys.executable, "-m", "admin_site.make_user"], cwd=django.folder, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        fail(done.stderr.strip().removeprefix("twogates: "))
    say(done.stdout.strip())


def held_ports() -> set[int]:
    """Return the ports that the running stack listens on, from its written configuration."""
    written = supervisor.CONFIGURATION.read_text() + (RUN / "nginx" / "conf.d" / "server.conf").read_text()
    return {int(number) for found in re.findall(r'PORT="(\d+)"|--port[= ](\d+)|listen \S+:(\d+)', written) for number in found if number}


def check_ports(plan: Plan, held: set[int]) -> None:
    """Exit unless every port is free, or held by this stack already. Runs before the first process starts."""
    for address, number, variable in plan.ports:
        if number not in held and (wrong := ports.sentence(address, number, variable)):
            fail(wrong)


def is_up() -> bool:
    """Return whether a Supervisor of this checkout runs."""
    return supervisor.connect() is not None


def down() -> bool:
    """Stop every process, including the orphans of a killed Supervisor. Return whether there was one."""
    if not supervisor.stop(seconds=90) and not orphans.end():
        return False
    for name in ("nginx", "live"):
        shutil.rmtree(RUN / name, ignore_errors=True)
    return True


def status() -> None:
    """Print a table of the processes."""
    running = supervisor.connect()
    table = Table("process", "state", "pid", "since")
    for process in running.getAllProcessInfo():
        since = str(timedelta(seconds=process["now"] - process["start"])) if process["pid"] else process["description"]
        table.add_row(process["name"], process["statename"].lower(), str(process["pid"] or "-"), since)
    console.print(table)


def logs() -> None:
    """Follow all logs, from their last 20 lines on, until Ctrl-C."""
    files = sorted(str(path) for path in supervisor.LOGS.glob("*.log"))
    os.execvp("tail", ["tail", "-n", "20", "-F", *files])

"""A separate PostgreSQL for the run, with the tables and rows that `make up` begins with."""

import time
from dataclasses import replace
from pathlib import Path

from loadtest.bench.plan import moved
from runtime.local import data as data_local
from runtime.local.plan import Plan, run_jobs
from runtime.servers import Command, ServerFailed, Servers, free_port

NAME = "postgres"
READY_SECONDS = 30


def start(servers: Servers, plan: Plan, folder: Path, ports: dict[int, int]) -> None:
    """Start PostgreSQL on a free port, store that port in ``ports`` in place of the plan's, and run the migrate job.

    Raise ServerFailed if a job fails or if PostgreSQL does not start.
    """
    folder.chmod(0o711)  # PostgreSQL may run as another user, which must be able to traverse this folder
    port = ports[plan.data_ports[NAME]] = free_port()
    if wrong := run_jobs(plan.jobs) or data_local.initialise(plan.document, folder / NAME):
        raise ServerFailed(wrong)
    # Autovacuum is off: it runs at unpredictable times, and its CPU time belongs to no request.
    words = [*data_local.postgres_command(plan.document, folder / NAME, port), "--autovacuum=off"]
    servers.start(NAME, Command(words, folder, port))
    deadline = time.monotonic() + READY_SECONDS
    while not data_local.accepts(port):
        if servers.running[NAME].poll() is not None or time.monotonic() > deadline:
            raise ServerFailed(f"PostgreSQL did not start: {servers.log(NAME).read_text(errors='replace').strip()[-500:]}")
        time.sleep(0.02)
    jobs = [replace(job, environment={name: moved(value, ports) for name, value in job.environment.items()}) for job in plan.data_jobs]
    if wrong := run_jobs(jobs):
        raise ServerFailed(wrong)

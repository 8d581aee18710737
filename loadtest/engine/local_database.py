"""The laboratory's own PostgreSQL: a new one for each experiment that needs it, with the schema and the seed data of `make up`."""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic, sleep

from loadtest.engine.variants import EngineError
from loadtest.generator import large_board
from loadtest.model import Variant
from runtime import proc
from runtime.compose_file import ROOT
from runtime.local import data as data_local
from runtime.local.plan import Plan, run_jobs
from runtime.servers import START_SECONDS, Command, Servers, free_port

NAME = "postgres"
# Lowest priority on its CPU, a tenth of the others' weight: a query that uses the whole CPU must not delay the load generator.
NICE = 10
# Connections beside those of the variants: for the job that creates the schema.
SPARE = 10
LIMIT = "--max-connections="


def connections(variants: Sequence[Variant], given: int) -> int:
    """Return how many connections PostgreSQL must accept: all variants of an experiment run concurrently."""
    return max(given, sum(variant.connections for variant in variants) + SPARE)


def with_connections(command: Sequence[str], variants: Sequence[Variant]) -> list[str]:
    """Return the server's command with a connection limit that is high enough for the pools of all variants."""
    return [f"{LIMIT}{connections(variants, int(word.removeprefix(LIMIT)))}" if word.startswith(LIMIT) else word for word in command]


class LocalDatabase:
    """A running PostgreSQL. ``address`` returns the URL that services get in place of the stack's."""

    def __init__(self, servers: Servers, plan: Plan, folder: Path, variants: Sequence[Variant]) -> None:
        self.servers, self.plan, self.port = servers, plan, free_port()
        if wrong := data_local.initialise(plan.document, folder):
            raise EngineError(wrong)
        command = with_connections(data_local.postgres_command(plan.document, folder, self.port), variants)
        servers.start(NAME, Command(command, folder.parent, self.port))
        self.wait()
        jobs = [replace(job, environment={**job.environment, **self.address(job.environment)}) for job in plan.data_jobs]
        if wrong := run_jobs(jobs):
            raise EngineError(wrong)
        if any(variant.cache for variant in variants):
            self.fill()

    def fill(self) -> None:
        """Create the large board."""
        password = (ROOT / self.plan.document["secrets"]["postgres_password"]["file"]).read_text().strip()
        words = ["--host=127.0.0.1", f"--port={self.port}", *large_board.PSQL]
        done = subprocess.run(
            [str(data_local.find_postgres() / "psql"), *words],
            input=large_board.SQL,
            env={**os.environ, "PGPASSWORD": password},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise EngineError(f"The large board could not be made: {done.stderr.strip()[-500:]}")

    def address(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the URL of the same database and user as in an environment of the stack, but on this server."""
        return {"DATABASE_URL": re.sub(r":\d+/", f":{self.port}/", environment["DATABASE_URL"])}

    def wait(self) -> None:
        """Wait until it accepts connections. Raise EngineError if it does not start."""
        deadline = monotonic() + START_SECONDS
        while not data_local.postgres_is_ready(self.port):
            if self.servers.running[NAME].poll() is not None or monotonic() > deadline:
                end = self.servers.log(NAME).read_text(errors="replace").strip().splitlines()[-5:]
                raise EngineError(f"PostgreSQL did not start: {' | '.join(end or ['nothing in its log'])}")
            sleep(0.02)

    def place(self, cpus: set[int] | None) -> None:
        """Pin it to the last of these CPUs, as compose.yaml gives it one, with a lower priority than all other processes there."""
        for pid in proc.tree(self.servers.pid(NAME)):  # processes that it starts later inherit both
            os.setpriority(os.PRIO_PROCESS, pid, NICE)
            if cpus:
                proc.pin([pid], {max(cpus)})

    def seconds(self) -> float:
        """Return the CPU seconds of all its processes so far, including ended ones: each connection is a process."""
        return proc.seconds_with_ended(self.servers.pid(NAME))

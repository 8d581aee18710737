"""Run PostgreSQL's own programs against the database of the running stack, in either runtime."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import IO, Any

from runtime.choice import running
from runtime.compose_file import ROOT, load
from runtime.docker.compose import compose, files, without_progress
from runtime.local import data as data_local
from runtime.local import stack as runtime_local
from runtime.local.plan import Plan, make_plan, run_jobs

USER = "postgres"
PSQL = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--field-separator=\t", "--set=ON_ERROR_STOP=1"]
TABLES = """
    SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    ORDER BY c.oid::regclass::text COLLATE "C"
"""
# With these settings, a row has the same text in every session.
SETTINGS = "-c timezone=UTC -c datestyle=ISO -c extra_float_digits=1 -c bytea_output=hex"


@cache
def plan() -> Plan:
    """Return the plan of the local processes."""
    return make_plan()


class Failed(Exception):
    """A program failed; the message is the end of its error output."""


@cache
def name() -> str:
    """Return the database's name."""
    return str(load()[1]["services"]["postgres"]["environment"][data_local.DATABASE])


@cache
def is_local() -> bool:
    """Whether PostgreSQL runs as a local process and not in a container. Cached: call it only while the stack runs."""
    return running()[:1] == [runtime_local]


def start(program: str, *words: str, database: str | None = None, **options: Any) -> subprocess.Popen[bytes]:
    """Start one of PostgreSQL's programs as the superuser."""
    variables = {"PGUSER": USER, "PGDATABASE": database or name(), "PGOPTIONS": SETTINGS, "PGCONNECT_TIMEOUT": "5"}
    if is_local():
        password = (ROOT / plan().document["secrets"]["postgres_password"]["file"]).read_text().strip()
        variables |= {"PGHOST": "127.0.0.1", "PGPORT": str(plan().data_ports["postgres"]), "PGPASSWORD": password}
        command = [str(data_local.find_postgres() / program), *words]
    else:  # through the socket in the container, which needs no password
        given = [word for variable, value in variables.items() for word in ("--env", f"{variable}={value}")]
        command = ["docker", "compose", "exec", "-T", *given, "postgres", program, *words]
        variables = {"COMPOSE_FILE": os.pathsep.join(files())}
    return subprocess.Popen(command, cwd=ROOT, env={**os.environ, **variables}, stderr=subprocess.PIPE, **options)


def run(program: str, *words: str, database: str | None = None, given: bytes | IO[bytes] = b"") -> bytes:
    """Return a program's output, with ``given`` on its standard input; raise ``Failed`` with the end of its error output."""
    stream = None if isinstance(given, bytes) else given
    process = start(program, *words, database=database, stdin=stream or subprocess.PIPE, stdout=subprocess.PIPE)
    printed, said = process.communicate(given if isinstance(given, bytes) else None)
    if process.returncode:
        raise Failed(end_of(said))
    return printed


def end_of(said: bytes) -> str:
    """Return the end of a program's error output."""
    return said.decode(errors="replace").strip()[-1000:]


def lines(script: str) -> Iterator[bytes]:
    """Yield the output of a script's queries, line by line; raise ``Failed`` at the end if one failed."""
    with tempfile.TemporaryFile() as given:
        given.write(script.encode())
        given.seek(0)
        process = start("psql", *PSQL, stdin=given, stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stderr
    yield from process.stdout
    said = process.stderr.read()
    if process.wait():
        raise Failed(end_of(said))


def sql(script: str, database: str | None = None) -> list[list[str]]:
    """Return the rows of a script's queries. Each statement is its own transaction, and the first failure ends the script."""
    return [line.split("\t") for line in run("psql", *PSQL, database=database, given=script.encode()).decode().splitlines()]


def answers() -> bool:
    """Whether the stack runs and its database answers."""
    if not running():
        return False
    try:
        sql("SELECT 1", USER)
    except Failed:
        return False
    return True


def migrate(database: str) -> str | None:
    """Run the job that migrates a schema and grants the services access; return its error output if it failed."""
    url = load()[0]["migrate"].environment["DATABASE_URL"].rsplit("/", 1)[0] + f"/{database}"
    if is_local():
        [job] = [job for job in plan().data_jobs if job.name == "migrate"]
        url = job.environment["DATABASE_URL"].rsplit("/", 1)[0] + f"/{database}"
        return run_jobs([replace(job, environment={**job.environment, "DATABASE_URL": url})])
    done = compose("run", "--rm", "--no-deps", "-T", "--env", f"DATABASE_URL={url}", "migrate", quiet=True)
    return without_progress(done.stderr) or f"migrate ended with status {done.returncode}" if done.returncode else None


def tables(database: str | None = None) -> list[tuple[str, int]]:
    """Return every table of the project, by its quoted SQL name, with the number of its rows."""
    found = sql(TABLES, database)
    counts = sql("".join(f"SELECT count(*) FROM {table};\n" for [table] in found), database)  # noqa: S608  the database has quoted the names
    return [(table, int(count)) for [table], [count] in zip(found, counts, strict=True)]


def backups() -> Path:
    """Return the folder of the backups."""
    return ROOT / "backups"

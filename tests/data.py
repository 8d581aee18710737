"""Queries to PostgreSQL and Valkey of the running stack, in either runtime."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache

import valkey

from runtime.choice import running
from runtime.compose_file import load
from runtime.local import data as data_local
from runtime.local import stack as runtime_local
from runtime.local.plan import make_plan
from tests.conftest import ROOT

DOCUMENT = load()[1]


def secret(name: str) -> str:
    """Return the text of a secret."""
    return (ROOT / DOCUMENT["secrets"][name]["file"]).read_text().strip()


@cache
def local_ports() -> dict[str, int] | None:
    """Return the ports of both, or ``None`` on Docker, where they cannot be reached from outside."""
    return make_plan().data_ports if running()[0] is runtime_local else None


def psql(*more: str) -> list[str]:
    """Return the psql command. It connects over TCP and reads the password from its environment."""
    words = ["--host=127.0.0.1", "--username=postgres", "--dbname=twogates", "--tuples-only", "--no-align", *more]
    if ports := local_ports():
        return [str(data_local.find_postgres() / "psql"), f"--port={ports['postgres']}", *words]
    return ["docker", "compose", "exec", "-T", "--env", "PGPASSWORD", "postgres", "psql", *words]


def sql(query: str, password: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a query. Its output is what psql prints."""
    variables = {"PGPASSWORD": secret("postgres_password") if password is None else password}
    return subprocess.run(psql("--command", query), cwd=ROOT, env=os.environ | variables, capture_output=True, text=True, timeout=60)


def value(query: str) -> str:
    """Return the single value that a query selects."""
    done = sql(query)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def locked(table: str) -> AbstractContextManager[None]:
    """Lock a table for the block, so that no other session can read it."""
    return transaction(f"LOCK TABLE {table}")


@contextmanager
def transaction(*statements: str) -> Iterator[None]:
    """Keep a transaction open for the block, after running these statements. It holds its locks until the block ends."""
    begin = ["SET idle_in_transaction_session_timeout = 0", "BEGIN", *statements]
    environment = os.environ | {"PGPASSWORD": secret("postgres_password")}
    words = psql("--quiet", "--set=ON_ERROR_STOP=1")
    with subprocess.Popen(words, cwd=ROOT, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as session:
        assert session.stdin
        assert session.stdout
        session.stdin.write("".join(f"{statement};\n" for statement in begin) + "\\echo done\n")
        session.stdin.flush()
        while (said := session.stdout.readline()) != "done\n":
            assert said, f"not done: {statements}"
        try:
            yield
        finally:
            session.stdin.close()  # psql exits, which ends the transaction


def ask_valkey(*words: str, password: str | None = None) -> str:
    """Return the answer to a command, or the error text."""
    if ports := local_ports():
        with valkey.Valkey(port=ports["valkey"], password=password, decode_responses=True) as client:
            try:
                return str(client.execute_command(*words))
            except valkey.ValkeyError as error:
                return str(error)
    given = ["--pass", password, "--no-auth-warning"] if password else []
    command = ["docker", "compose", "exec", "-T", "valkey", "valkey-cli", *given, *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    return (done.stdout + done.stderr).strip()

"""Questions to PostgreSQL and Valkey of the running stack, in either runtime."""

import os
import subprocess

import valkey

from scripts import data_local, runtime_local
from scripts.compose_file import load
from scripts.local_plan import make_plan
from scripts.stack import running
from tests.conftest import ROOT

DOCUMENT = load()[1]


def secret(name: str) -> str:
    """The text of a secret."""
    return (ROOT / DOCUMENT["secrets"][name]["file"]).read_text().strip()


def local_ports() -> dict[str, int] | None:
    """Where both listen; ``None`` on Docker, where nobody outside reaches them."""
    return make_plan().data_ports if running()[0] is runtime_local else None


def sql(query: str, password: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a query over TCP, as psql prints it."""
    variables = {"PGPASSWORD": secret("postgres_password") if password is None else password}
    words = ["--host=127.0.0.1", "--username=postgres", "--dbname=twogates", "--tuples-only", "--no-align", "--command", query]
    if ports := local_ports():
        command = [str(data_local.find_postgres() / "psql"), f"--port={ports['postgres']}", *words]
    else:
        command = ["docker", "compose", "exec", "-T", "--env", "PGPASSWORD", "postgres", "psql", *words]
    return subprocess.run(command, cwd=ROOT, env=os.environ | variables, capture_output=True, text=True, timeout=30)


def ask_valkey(*words: str, password: str | None = None) -> str:
    """The answer to a command, or the error."""
    if ports := local_ports():
        with valkey.Valkey(port=ports["valkey"], password=password, decode_responses=True) as client:
            try:
                return str(client.execute_command(*words))
            except valkey.ValkeyError as error:
                return str(error)
    given = ["--pass", password, "--no-auth-warning"] if password else []
    command = ["docker", "compose", "exec", "-T", "valkey", "valkey-cli", *given, *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
    return (done.stdout + done.stderr).strip()

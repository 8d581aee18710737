"""PostgreSQL without a container and without root."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.compose_file import load
from runtime.local import data as data_local
from tests.checkouts import free_port
from tests.waiting import until

WAYS = [data_local.NAMESPACE, data_local.OTHER_USER] if os.geteuid() == 0 else [[]]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder that another user may enter, unlike pytest's."""
    with tempfile.TemporaryDirectory() as made:
        os.chmod(made, 0o755)
        yield Path(made)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way[0] if way else "as it is")
def test_it_starts_with_a_password_and_a_database(way: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_local, "as_user", lambda: way)
    document = load()[1]
    document["secrets"]["postgres_password"]["file"] = str(folder / "password")
    (folder / "password").write_text("a password\n")
    (folder / "password").chmod(0o400)
    port = free_port()
    assert data_local.initialise(document, folder / "postgres") is None
    assert data_local.initialise(document, folder / "postgres") is None  # a second call changes nothing
    psql = [data_local.find_postgres() / "psql", "--host=127.0.0.1", f"--port={port}", "--username=postgres", "--dbname=twogates"]
    with subprocess.Popen(data_local.postgres_command(document, folder / "postgres", int(port)), cwd=folder) as process:
        try:
            # PostgreSQL listens before it accepts connections: until then it answers that it is starting up.
            until("PostgreSQL to take connections", lambda: process.poll() is not None or data_local.postgres_is_ready(int(port)))
            assert process.poll() is None
            for password, status in (("a password", 0), ("another", 2)):
                asked = subprocess.run(
                    [*psql, "--command=SELECT 1"], env=os.environ | {"PGPASSWORD": password}, capture_output=True, text=True
                )
                assert asked.returncode == status, asked.stderr
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0


def test_what_cannot_be_made_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = load()[1]
    document["secrets"]["postgres_password"]["file"] = str(folder / "password")
    (folder / "password").write_text("")  # initdb rejects an empty password
    said = data_local.initialise(document, folder / "postgres")
    assert said
    assert said.startswith("PostgreSQL's files could not be made:")
    assert not (folder / "postgres").exists()

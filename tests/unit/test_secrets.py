"""make secrets: it creates missing secrets, keeps existing ones, and keeps each user list consistent with its password."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

LISTS = {"valkey_users", "pgbouncer_users"}
SERVICES = ("flask", "fastapi", "django")
OWN = {f"{name}_password" for name in (*SERVICES, "worker", "postgres", "valkey")}
NAMES = LISTS | OWN | {"django_secret_key", "example_token"}


def make(folder: Path) -> dict[str, str]:
    """Run it. Return the secrets by name."""
    command = [sys.executable, "-m", "runtime.secrets"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"SECRETS": str(folder)}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_what_is_there_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    before = make(folder)
    assert set(before) == NAMES
    assert len(set(before.values())) == len(NAMES)
    assert folder.stat().st_mode & 0o777 == 0o700
    (folder / "postgres_password").unlink()
    after = make(folder)
    assert {name for name in NAMES if before[name] != after[name]} == {"postgres_password"}


def test_valkeys_users_have_the_hash_of_its_password(tmp_path: Path) -> None:
    made = make(tmp_path)
    (tmp_path / "valkey_password").unlink()
    again = make(tmp_path)
    for secrets in (made, again):
        password = secrets["valkey_password"].strip()
        assert f"#{hashlib.sha256(password.encode()).hexdigest()} " in secrets["valkey_users"]
        assert password not in secrets["valkey_users"]
    assert made["valkey_users"] != again["valkey_users"]


def test_pgbouncers_users_have_the_services_passwords(tmp_path: Path) -> None:
    first = make(tmp_path)
    lines = [f'"twogates_{name}" "{first[f"{name}_password"].strip()}"\n' for name in SERVICES]
    assert first["pgbouncer_users"] == "".join(lines)
    secret = tmp_path / "fastapi_password"
    secret.chmod(0o644)
    secret.write_text('one with a "quote\n')
    again = make(tmp_path)
    assert {name for name in NAMES if first[name] != again[name]} == {"fastapi_password", "pgbouncer_users"}
    assert again["pgbouncer_users"] == f'{lines[0]}"twogates_fastapi" "one with a ""quote"\n{lines[2]}'

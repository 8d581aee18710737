"""Backup and restore: identical content after the database was destroyed, and services that stay up during a restore."""

import re
import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

import httpx
import pytest

from runtime.choice import running
from runtime.docker.compose import compose, docker
from runtime.local import stack as runtime_local
from runtime.local import supervisor
from runtime.local.plan import RUN
from tests.backups import checksums, run
from tests.conftest import ROOT
from tests.data import sql
from tests.stack import SERVICES, TARGET


@dataclass(frozen=True)
class Backup:
    """A backup and the checksums of its content."""

    path: Path
    checksums: str


@pytest.fixture(scope="module")
def backup(stack: None) -> Iterator[Backup]:
    """A backup that includes text which is difficult to preserve."""
    text = 'a\ttab, a \\. and "quotes"\r\n\u2028 — \U0001f980'
    with httpx.Client(timeout=60, trust_env=False) as client:
        made = client.post(f"{TARGET}/flask/boards", json={"name": "A backup \N{CRAB}"}, headers={"Idempotency-Key": token_hex(8)})
        assert made.status_code == 201
        board = f"/boards/{made.json()['id']}"
        for service in SERVICES:
            assert client.post(f"{service.url}{board}/messages", json={"author": "Zoë", "text": text}).status_code == 201
        before = checksums()
        done = run("backup")
        assert done.returncode == 0, done.stderr
        path = ROOT / done.stdout.rsplit("make restore B=", 1)[1].strip()
        assert path.stat().st_mode & 0o777 == 0o600
        yield Backup(path, before)
        path.unlink()
        assert client.delete(f"{TARGET}/flask{board}", headers={"If-Match": "*"}).status_code == 204


def destroy() -> None:
    """Delete the database with all its files."""
    if running() == [runtime_local]:
        supervisor.connect().stopProcess("postgres")
        shutil.rmtree(RUN / "postgres")
        return
    assert compose("rm", "--stop", "--force", "postgres", quiet=True).returncode == 0
    volumes = docker("volume", "ls", "--quiet", "--filter", "label=com.docker.compose.volume=postgres").split()
    project = compose("config", "--format", "json", "--no-interpolate", quiet=True).stdout
    [mine] = [volume for volume in volumes if f'"name": "{volume}"' in project]
    docker("volume", "rm", mine)


def test_what_was_destroyed_is_restored_whole(backup: Backup, client: httpx.Client) -> None:
    destroy()
    restored = run("restore")  # the newest backup
    assert restored.returncode == 0, restored.stdout + restored.stderr
    assert str(backup.path.relative_to(ROOT)) in restored.stdout
    assert checksums() == backup.checksums
    for service in SERVICES:
        last = client.get(f"{service.url}/boards?limit=100").json()["boards"][-1]
        # The service's role has its rights again, and ids continue after the last one.
        made = client.post(f"{service.url}/boards", json={"name": f"after the restore, {service}"})
        assert made.status_code == 201, made.text
        assert made.json()["id"] > last["id"]
    # The roles have no other rights. By default every role may execute a new function, here with the owner's rights.
    for role, function in (
        ("twogates_worker", "queue_mentions(0)"),
        ("twogates_django", "forget_messages(1, 1)"),
        ("twogates_django", "forget_authors(1)"),
    ):
        assert "permission denied" in sql(f"SET SESSION AUTHORIZATION {role}; SELECT {function}").stderr


def test_the_services_go_on_while_a_backup_takes_the_place_of_what_came_after(backup: Backup) -> None:
    answers: dict[str, Counter[int]] = {str(service): Counter() for service in SERVICES}
    ended = threading.Event()

    def ask(name: str) -> None:
        with httpx.Client(timeout=60, trust_env=False) as client:
            while not ended.wait(0.02):
                answers[name][client.get(f"{TARGET}/{name}/boards/1").status_code] += 1

    threads = [threading.Thread(target=ask, args=[str(service)]) for service in SERVICES]
    assert httpx.post(f"{TARGET}/fastapi/boards", json={"name": "after the backup"}).status_code == 201
    for thread in threads:
        thread.start()
    try:
        restored = run("restore", str(backup.path))
        assert restored.returncode == 0, restored.stderr
        assert "It replaces all that is in the database now: answers " in restored.stdout
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert checksums() == backup.checksums
    for seen in answers.values():
        assert set(seen) <= {200, 503}, answers
        assert seen[200] > seen[503], answers


def test_an_encrypted_backup_is_read_with_its_key_alone(stack: None, tmp_path: Path) -> None:
    key, another = tmp_path / "key", tmp_path / "another"
    public = [run("backup", "--new-key", str(file)).stdout.rsplit("BACKUP_RECIPIENTS=", 1)[1].strip() for file in (key, another)]
    assert key.stat().st_mode & 0o777 == 0o600
    before = checksums()
    done = run("backup", BACKUP_RECIPIENTS=public[0])
    assert done.returncode == 0, done.stderr
    name = re.search(r"make restore B=(\S+) BACKUP_KEY=FILE", done.stdout)
    assert name
    path = ROOT / name[1]
    try:
        sealed = path.read_bytes()
        assert sealed.startswith(b"age-encryption.org/v1\n")
        assert b"PGDMP" not in sealed  # the start of an unencrypted backup
        changed = tmp_path / "changed"
        wrong = [
            (path, [], "The backup is encrypted. Say where the key is"),
            (path, ["--key", str(tmp_path / "none")], f"{tmp_path / 'none'}"),
            (path, ["--key", str(path)], str(path)),
            (path, ["--key", str(another)], "cannot be decrypted, since it is not whole or for another key"),
        ]
        for file, given, sentence in wrong:
            refused = run("restore", str(file), *given)
            assert (refused.returncode, "Traceback" in refused.stderr) in ((1, False), (2, False)), refused.stderr
            assert sentence in refused.stderr
        # A truncated backup, and one with a changed byte: the content is authenticated, unlike that of a compressed file.
        for content in (sealed[:-1], sealed[: len(sealed) // 2], sealed[:-100] + bytes([sealed[-100] ^ 1]) + sealed[-99:]):
            changed.write_bytes(content)
            refused = run("restore", str(changed), "--key", str(key))
            assert refused.returncode == 1, refused.stdout
            assert "cannot be decrypted" in refused.stderr, refused.stderr
        assert checksums() == before
        assert httpx.post(f"{TARGET}/fastapi/boards", json={"name": "after the encrypted backup"}).status_code == 201
        restored = run("restore", str(path), "--key", str(key))
        assert restored.returncode == 0, restored.stderr
        assert checksums() == before
    finally:
        path.unlink()


@pytest.mark.parametrize("given", ["nothing", "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq", "AGE-SECRET-KEY-1A"])
def test_a_public_key_that_is_none_is_refused(stack: None, given: str) -> None:
    before = sorted((ROOT / "backups").glob("*"))
    refused = run("backup", BACKUP_RECIPIENTS=given)
    assert refused.returncode in (1, 2)
    assert "BACKUP_RECIPIENTS" in refused.stderr
    assert "accepted: " in refused.stderr
    assert "Traceback" not in refused.stderr
    assert sorted((ROOT / "backups").glob("*")) == before


def test_a_key_is_never_written_over(tmp_path: Path) -> None:
    key = tmp_path / "key"
    assert run("backup", "--new-key", str(key)).returncode == 0
    first = key.read_text()
    for name in (str(key), "", str(tmp_path / "none" / "key")):
        refused = run("backup", "--new-key", name)
        assert refused.returncode == 1
        assert "Traceback" not in refused.stderr
    assert key.read_text() == first

"""Backup and restore: identical content after the data was destroyed, and services that go on meanwhile."""

import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

import httpx
import pytest

from scripts import runtime_local, stack, supervisor
from scripts.docker_compose import compose, docker
from scripts.local_plan import RUN
from tests.backups import checksums, run
from tests.conftest import ROOT
from tests.stack import SERVICES, TARGET


@dataclass(frozen=True)
class Backup:
    """A backup, and the checksums of what is in it."""

    path: Path
    checksums: str


@pytest.fixture(scope="module")
def backup(stack: None) -> Iterator[Backup]:
    """A backup with what is hard to keep among the rest."""
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
    """Remove the database with all its files."""
    if stack.running() == [runtime_local]:
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
    restored = run("restore")  # the newest
    assert restored.returncode == 0, restored.stdout + restored.stderr
    assert str(backup.path.relative_to(ROOT)) in restored.stdout
    assert checksums() == backup.checksums
    for service in SERVICES:
        last = client.get(f"{service.url}/boards?limit=100").json()["boards"][-1]
        # Its role has its rights, and ids go on where they were.
        made = client.post(f"{service.url}/boards", json={"name": f"after the restore, {service}"})
        assert made.status_code == 201, made.text
        assert made.json()["id"] > last["id"]


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

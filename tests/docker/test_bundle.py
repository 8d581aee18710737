"""One file with everything that a room without a network needs, unpacked there.

Tiny images replace the real ones: a real engine saves and loads them in the same way.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from runtime.compose_file import project
from tests.checkouts import OwnStack
from tests.conftest import ROOT

pytestmark = pytest.mark.long
TAG = f"{project()}-bundle"  # as in tests/checkouts.py
TINY = f"twogates-tiny:{TAG}"
# Nothing listens on this port.
NO_NETWORK = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "PIP_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX"), "http://127.0.0.1:9")
NO_NETWORK |= {"NO_PROXY": "", "no_proxy": ""}  # one of our programs sets "*" for the programs that it starts


class Room:
    """A checkout with tiny images, and the bundle made from it."""

    def __init__(self, folder: Path) -> None:
        self.own = OwnStack(folder, "bundle", PYTHONS="")
        self.folder = self.own.folder
        docker("import", "-", TINY, given=empty_tar())
        compose = self.folder / "compose.yaml"
        text = compose.read_text()
        for image in ("python:3.14-slim", "nginx:1.30-alpine", "postgres:18", "valkey/valkey:9"):
            assert image in text
            text = text.replace(image, TINY)
        compose.write_text(text)
        for path in (*self.folder.glob("services/*/Dockerfile"), self.folder / "loadtest" / "Dockerfile"):
            base, copied = ("POSTGRES_IMAGE", "*.ini") if path.parent.name == "pgbouncer" else ("PYTHON_IMAGE", "requirements.*")
            path.write_text(f'ARG {base}\nFROM ${{{base}}}\nCOPY {copied} /\nCMD ["none"]\n')
        program = self.folder / "dev" / "bundle.py"
        program.write_text(program.read_text().replace('("runtime", "services", "loadtest")', '("runtime",)'))
        (self.folder / ".cache").mkdir()
        (self.folder / ".cache" / "pip").symlink_to(ROOT / ".cache" / "pip")  # downloaded packages
        self.made = self.own.run("dev.bundle")
        assert self.made.returncode == 0, self.made.stdout + self.made.stderr
        (self.path,) = (self.folder / "bundle").glob("*.tar.gz")

    def load(self, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run this project's part of ``make load-bundle``."""
        return self.own.run("dev.load_bundle", **variables)

    def to_build(self) -> list[str]:
        """Return what ``make up`` would build."""
        code = "import json; from runtime.docker import bundled; print(json.dumps(bundled.to_build()))"
        environment = self.own.environment
        done = subprocess.run([sys.executable, "-c", code], cwd=self.folder, env=environment, capture_output=True, check=True)
        found: list[str] = json.loads(done.stdout)
        return found


def docker(*words: str, given: bytes | None = None) -> str:
    return subprocess.run(["docker", *words], input=given, capture_output=True, check=True, timeout=60).stdout.decode().strip()


def empty_tar() -> bytes:
    file = BytesIO()
    tarfile.open(fileobj=file, mode="w").close()
    return file.getvalue()


def ids() -> dict[str, str]:
    """Return the ids of this test's own images, by name."""
    lines = docker("image", "ls", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}").splitlines()
    return dict(line.split() for line in lines if line.startswith("twogates-") and f":{TAG} " in line)


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    try:
        yield Room(tmp_path_factory.mktemp("bundle"))
    finally:
        subprocess.run(["docker", "image", "rm", "--force", *ids()], capture_output=True)


def test_its_size_and_checksum_are_said(room: Room) -> None:
    digest = hashlib.sha256(room.path.read_bytes()).hexdigest()
    assert f"MiB, SHA-256 {digest}" in room.made.stdout
    # The format that sha256sum --check reads.
    assert room.path.with_name(f"{room.path.name}.sha256").read_text() == f"{digest}  {room.path.name}\n"
    assert sorted(path.suffix for path in room.path.parent.iterdir()) == [".gz", ".sha256"]


def test_loaded_nothing_has_to_be_built_until_its_sources_change(room: Room) -> None:
    before = ids()
    assert {name.split(":")[0] for name in before} >= {"twogates-flask", "twogates-locust", "twogates-tiny"}
    assert "flask" in room.to_build()
    docker("image", "rm", "--force", *before)
    loaded = room.load()
    assert loaded.returncode == 0, loaded.stderr
    assert "images are in Docker.\nNext: make up" in loaded.stdout
    assert ids() == before
    assert room.to_build() == []
    edited = room.folder / "services" / "flask_sync" / "app.py"
    edited.write_text(edited.read_text() + "\n")
    assert room.to_build() == ["flask"]


def test_an_environment_is_made_without_a_network(room: Room) -> None:
    assert room.load().returncode == 0
    (room.folder / ".venv").unlink()
    environment = {**os.environ, **NO_NETWORK}
    command = [os.path.realpath(sys.executable), "runtime/venv.py", "runtime", "-m", "rich.emoji"]
    try:
        done = subprocess.run(command, cwd=room.folder, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
    finally:
        shutil.rmtree(room.folder / ".venv", ignore_errors=True)
        (room.folder / ".venv").symlink_to(ROOT / ".venv")


def test_a_broken_copy_is_refused(room: Room, tmp_path: Path) -> None:
    broken = tmp_path / room.path.name
    content = bytearray(room.path.read_bytes())
    content[len(content) // 2] ^= 1
    broken.write_bytes(content)
    alone = room.load(B=str(broken))
    assert (alone.returncode, "is not beside the bundle" in alone.stderr) == (2, True)
    shutil.copy(room.path.with_name(f"{room.path.name}.sha256"), tmp_path)
    refused = room.load(B=str(broken))
    assert refused.returncode == 1
    assert refused.stderr.rstrip().endswith("the copy is broken. Copy it again")
    no_bundle = tmp_path / "other.tar.gz"
    no_bundle.write_text("something else")
    refused = room.load(B=str(no_bundle), SHA256=hashlib.sha256(no_bundle.read_bytes()).hexdigest())
    assert (refused.returncode, "other.tar.gz is no bundle of this project" in refused.stderr) == (1, True), refused.stderr


def test_where_there_is_none_it_says_what_to_do(room: Room) -> None:
    done = room.load(B="elsewhere.tar.gz")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "twogates: elsewhere.tar.gz is not there; accepted: a bundle that make bundle made\n"

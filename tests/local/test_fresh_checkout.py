"""A person's first steps, in a copy of the checkout with nothing installed: make dev, edit, make down, make clean."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from dev.testing.lanes import copy_of_checkout, project_files
from tests.checkouts import edit_shows_everywhere, free_port
from tests.conftest import ROOT

pytestmark = pytest.mark.long  # it installs every package

PORT = free_port()
OWN = {"COMPOSE_PROJECT_NAME": "twogates-fresh", "TAG": "fresh"}  # names that Docker has nothing of
SETTINGS = {**OWN, "RUNTIME": "local", "HTTP_PORT": PORT, "HTTPS_PORT": free_port(), "LOCAL_PORT": free_port()}


def make(target: str, folder: Path, **given: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH", "HOME")}
    # A home that is not writable shows any write outside the checkout at once.
    return subprocess.run(
        ["make", target],
        cwd=folder,
        env={**clean, **SETTINGS, **given, "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copy_of_checkout(tmp_path_factory.mktemp("fresh"))
    (folder / ".cache").symlink_to(ROOT / ".cache")  # downloaded packages
    return folder


def processes_below(folder: Path) -> list[str]:
    """Return the command lines of processes that were started from a folder, or that run in it."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            place = (entry / "cwd").readlink()
        except OSError:
            continue
        if str(folder) in words or place.is_relative_to(folder):
            found.append(words)
    return found


def test_make_dev_shows_an_edit_and_make_down_leaves_nothing(checkout: Path) -> None:
    started = make("dev", checkout)
    try:
        assert started.returncode == 0, started.stdout + started.stderr
        edit_shows_everywhere(checkout, PORT)
    finally:
        stopped = make("down", checkout)
    assert stopped.returncode == 0, stopped.stderr
    assert processes_below(checkout) == []


def test_make_clean_leaves_what_git_has_and_what_a_person_would_miss_also_after_a_kill(checkout: Path) -> None:
    assert make("up", checkout).returncode == 0
    os.kill(int((checkout / ".run" / "supervisord.pid").read_text()), signal.SIGKILL)
    again = make("up", checkout)
    assert "Processes of a stack that was killed are left. End them with: make down" in again.stderr
    for name in ("results", "backups", "services/flask_sync/.mypy_cache"):
        (checkout / name).mkdir(exist_ok=True)  # git has one of them already
        (checkout / name / "mine").touch()
    cleaned = make("clean", checkout)
    assert cleaned.returncode == 0, cleaned.stderr
    assert processes_below(checkout) == []
    left = {str(path.relative_to(checkout)) for path in checkout.rglob("*") if path.is_file() or path.is_symlink()}
    kept = {name for name in left if name.startswith("secrets/")}
    assert left == set(project_files()) | {"results/mine", "backups/mine"} | kept
    assert "Kept, as they may be all there is of their kind: results, backups" in cleaned.stdout
    assert (ROOT / ".cache").is_dir()


def test_make_clean_does_not_remove_the_database_of_production(checkout: Path) -> None:
    refused = make("clean", checkout, PROFILE="production")
    assert refused.returncode
    assert "would remove the database" in refused.stderr

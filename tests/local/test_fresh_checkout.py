"""What a person does first, in a copy of the checkout with nothing installed: make dev, edit, make down."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.checkouts import copy_of_checkout, edit_shows_everywhere, free_port
from tests.conftest import ROOT

PORT = free_port()
SETTINGS = {"RUNTIME": "local", "HTTP_PORT": PORT, "HTTPS_PORT": free_port(), "LOCAL_PORT": free_port()}


def make(target: str, folder: Path) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH", "HOME")}
    # A home that cannot be written shows at once what would be written outside the checkout.
    return subprocess.run(
        ["make", target], cwd=folder, env={**clean, **SETTINGS, "HOME": "/nonexistent"}, capture_output=True, text=True, timeout=300
    )


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copy_of_checkout(tmp_path_factory.mktemp("fresh"))
    (folder / ".cache").symlink_to(ROOT / ".cache")  # downloaded packages
    return folder


def processes_below(folder: Path) -> list[str]:
    """Command lines of processes that were started from there."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in words:
            found.append(words)
    return found


def test_make_dev_shows_an_edit_and_make_down_leaves_nothing(checkout: Path) -> None:
    started = make("dev", checkout)
    try:
        assert started.returncode == 0, started.stdout + started.stderr
        edit_shows_everywhere(checkout, PORT, seconds=60)
    finally:
        stopped = make("down", checkout)
    assert stopped.returncode == 0, stopped.stderr
    assert processes_below(checkout) == []

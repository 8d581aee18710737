"""A second build of an image gives the same image, and the comparison detects a difference."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dev.testing.lanes import copy_of_checkout
from tests.conftest import ROOT

pytestmark = pytest.mark.long
SERVICE = "upstream"


def rebuild(folder: Path) -> tuple[int, dict[str, Any]]:
    """Return the exit status of the comparison for one image, and its output."""
    command = [sys.executable, "-m", "dev.reproducible", SERVICE, "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.stdout, done.stderr
    [comparison] = json.loads(done.stdout)
    return done.returncode, comparison


def age(folder: Path) -> None:
    """Give every file of a service the time and mode of another checkout, and add the leftovers of a run there."""
    for program in ("shared/twogates", SERVICE):
        (folder / "services" / program / "__pycache__").mkdir()
        (folder / "services" / program / "__pycache__" / "app.cpython-314.pyc").write_bytes(b"another")
    for path in [*(folder / "services").rglob("*")]:
        os.utime(path, (10**9, 10**9))
        path.chmod(0o700 if path.is_dir() else 0o600)


def test_a_second_build_and_one_of_another_checkout_give_the_same_image(tmp_path: Path) -> None:
    status, here = rebuild(ROOT)
    assert (status, here["same"], here["differences"]) == (0, True, [])
    age(copy_of_checkout(tmp_path))
    _, elsewhere = rebuild(tmp_path)
    assert elsewhere["image_ids"] == here["image_ids"]


def test_a_file_with_the_time_of_its_build_is_found(tmp_path: Path) -> None:
    dockerfile = copy_of_checkout(tmp_path) / "services" / SERVICE / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text().replace("RUN find /app", "RUN date +%s%N > /app/built && find /app"))
    status, comparison = rebuild(tmp_path)
    assert (status, comparison["same"]) == (1, False)
    [found] = comparison["differences"]
    assert found.endswith("/app/built: content")

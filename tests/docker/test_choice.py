"""How the project chooses a runtime by itself, where an engine answers but a base image cannot be had."""

import os
import subprocess
import sys
from pathlib import Path

from tests.checkouts import copy_of_checkout, free_port
from tests.conftest import ROOT


def test_without_its_images_it_goes_on_without_docker(tmp_path: Path) -> None:
    folder = copy_of_checkout(tmp_path)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    compose = folder / "compose.yaml"
    # A registry on this machine that does not answer.
    compose.write_text(compose.read_text().replace("python:3.14-slim", "127.0.0.1:9/nothing:none"))
    environment = {name: value for name, value in os.environ.items() if name != "RUNTIME"}
    # A project of its own: the stack that other tests run is not its.
    environment |= {
        "HTTP_PORT": free_port(),
        "HTTPS_PORT": free_port(),
        "LOCAL_PORT": free_port(),
        "COMPOSE_PROJECT_NAME": "twogates-choice",
    }

    def stack(action: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "scripts.stack", action]
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)

    try:
        started = stack("up")
        assert started.returncode == 0, started.stdout + started.stderr
        assert "as local processes, since the image 127.0.0.1:9/nothing:none is not here and cannot be pulled" in started.stdout
    finally:
        assert stack("down").returncode == 0

"""make dev on Docker, in a copy of the checkout and a Compose project of its own: an edit shows in the next response."""

import os
import subprocess
import sys
from pathlib import Path

from tests.checkouts import copy_of_checkout, edit_shows_everywhere, free_port


def test_an_edit_shows(tmp_path: Path) -> None:
    folder = copy_of_checkout(tmp_path)
    port = free_port()
    environment = {
        **os.environ,
        "RUNTIME": "docker",
        "HTTP_PORT": port,
        "HTTPS_PORT": free_port(),
        "COMPOSE_PROJECT_NAME": "twogates-edit",
        "TAG": "edit",
    }

    def stack(action: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "scripts.stack", action]
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)

    started = stack("dev")
    try:
        assert started.returncode == 0, started.stdout + started.stderr
        edit_shows_everywhere(folder, port, seconds=60)
    finally:
        stopped = stack("down")
    assert stopped.returncode == 0, stopped.stderr

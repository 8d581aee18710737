"""How the project chooses a runtime by itself, where an engine answers but a base image cannot be had."""

from pathlib import Path

from tests.checkouts import OwnStack, free_port


def test_without_its_images_it_goes_on_without_docker(tmp_path: Path) -> None:
    own = OwnStack(tmp_path, "choice", RUNTIME="", LOCAL_PORT=free_port())
    compose = own.folder / "compose.yaml"
    # A registry on this machine that does not answer.
    compose.write_text(compose.read_text().replace("python:3.14-slim", "127.0.0.1:9/nothing:none"))
    try:
        started = own.run("scripts.stack", "up")
        assert started.returncode == 0, started.stdout + started.stderr
        assert "as local processes, since the image 127.0.0.1:9/nothing:none is not here and cannot be pulled" in started.stdout
    finally:
        assert own.run("scripts.stack", "down").returncode == 0

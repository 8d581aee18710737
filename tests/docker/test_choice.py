"""How the project chooses a runtime if an engine answers but a base image is not available."""

import subprocess
from pathlib import Path

from tests.checkouts import OwnStack, free_port


def test_without_its_images_it_goes_on_without_docker(tmp_path: Path) -> None:
    own = OwnStack(tmp_path, "choice", RUNTIME="", LOCAL_PORT=free_port())
    compose = own.folder / "compose.yaml"
    # A registry on this machine that does not answer.
    compose.write_text(compose.read_text().replace("python:3.14-slim", "127.0.0.1:9/nothing:none"))
    try:
        started = own.run("ops.stack", "up")
        assert started.returncode == 0, started.stdout + started.stderr
        assert "as local processes, since the image 127.0.0.1:9/nothing:none is not here and cannot be pulled" in started.stdout
    finally:
        assert own.run("ops.stack", "down").returncode == 0


def test_the_containers_of_another_checkout_with_the_same_name_are_left_alone(tmp_path: Path) -> None:
    own = OwnStack(tmp_path / "here", "twice")
    other = tmp_path / "there"
    other.mkdir()
    labels = {"project": own.project, "project.working_dir": str(other), "service": "nginx", "oneoff": "False", "config-hash": "none"}
    words = [word for name, value in labels.items() for word in ("--label", f"com.docker.compose.{name}={value}")]
    started = subprocess.run(
        ["docker", "run", "--detach", "--rm", *words, "python:3.14-slim", "sleep", "60"], capture_output=True, text=True
    )
    assert started.returncode == 0, started.stderr
    container = started.stdout.strip()
    try:
        refused = own.run("ops.stack", "up")
        assert refused.returncode == 1
        assert f"{other} runs under the name {own.project} too. First there: make down." in refused.stderr
        assert own.run("ops.stack", "down").stdout == "Nothing was running.\n"
        docker_projects = own.folder / ".run" / "docker-projects"
        docker_projects.parent.mkdir(exist_ok=True)
        docker_projects.write_text(own.project)
        assert f"Docker has {own.project} from {other}" in own.run("ops.clean").stdout
        assert subprocess.run(["docker", "inspect", container], capture_output=True).returncode == 0
        other.rmdir()  # moved: then the containers may well be this checkout's
        assert own.run("ops.stack", "down").stdout == "Stopped.\n"
    finally:
        subprocess.run(["docker", "rm", "--force", container], capture_output=True)

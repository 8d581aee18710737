"""Images left by builds: the last three of each service are kept, and those of other projects are not touched."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.docker import old_images
from runtime.docker.wanted import Wanted
from tests.docker.conftest import docker

PROJECT, NAME, OTHER = "twogates-old-images", "twogates-old-images:one", "twogates-old-images:another"


def build(number: int, project: str) -> str:
    """Build an image as Compose does, which takes the name from the previous image; return its id."""
    # The build runs nothing, so that it takes no time. The label's number makes each image differ.
    dockerfile = f"FROM python:3.14-slim\nLABEL com.docker.compose.project={project} number={number}\n"
    words = ["docker", "build", "--quiet", "--tag", NAME if project == PROJECT else OTHER, "-"]
    return subprocess.run(words, input=dockerfile, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


@pytest.fixture
def images() -> Iterator[list[str]]:
    """Ids of images that the test builds. They are removed afterwards."""
    made: list[str] = []
    yield made
    subprocess.run(["docker", "image", "rm", "--force", *made], capture_output=True)


def test_the_last_three_are_kept(
    images: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", PROJECT)
    monkeypatch.setattr(old_images, "HISTORY", tmp_path / "images.json")
    services = [Wanted("flask", NAME, 1, ends=False, built=True, hash="")]
    images += [build(number, OTHER) for number in (1, 2)]  # the first then has no name
    for number in range(5):
        images.append(build(number, PROJECT))
        old_images.remove_old(services)
    left = set(docker("image", "ls", "--all", "--quiet", "--no-trunc", "--filter", f"label=com.docker.compose.project={PROJECT}").split())
    assert left == set(images[-3:])
    assert docker("image", "inspect", "--format", "{{.Id}}", *images[:2]).split() == images[:2]
    assert capsys.readouterr().out == "Removed an older image of this project; the last 3 of each service are kept.\n" * 2
    old_images.remove_old(services)  # nothing is new, so nothing is removed
    assert capsys.readouterr().out == ""

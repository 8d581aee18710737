"""Update what Two Gates does not build: python3 runtime/venv.py runtime -m ops.refresh. Also: make update.

Pulls the current versions of the base images, builds the images based on them, and replaces the running containers, as make up does.
Python packages are locked: make lock updates them, and make audit reports which need an update.
"""

import subprocess
import sys

from rich.table import Table

from runtime.checks import preflight
from runtime.checks import tested_images as tested
from runtime.compose_file import load, variables
from runtime.console import console, fail, say
from runtime.docker import engine as docker_engine
from runtime.docker import rollout
from runtime.docker import stack as runtime_docker
from runtime.environment import for_network
from runtime.error_hints import cause
from runtime.progress import step

PULL_SECONDS = 600


def pull(image: str) -> None:
    """Pull the current image of a tag; exit with a message if that fails."""
    try:
        done = subprocess.run(["docker", "pull", "--quiet", image], env=for_network(), capture_output=True, text=True, timeout=PULL_SECONDS)
    except subprocess.TimeoutExpired:
        fail(f"{image} did not come within {PULL_SECONDS} seconds. What runs has not changed")
    if done.returncode:
        fail(
            f"{image} could not be pulled, and what runs has not changed:\n{cause(done.stderr)}\n"
            "Without a network: make load-bundle, and then make up. From a mirror: IMAGE_REGISTRY=mirror.example.org/ in .env"
        )


def show(before: list[tested.Base], now: list[tested.Base]) -> None:
    """Print a table of the base images before and after the pull."""
    table = Table("base image", "before", "now", "tested here")
    green = tested.recorded()
    for old, new in zip(before, now, strict=True):
        same = " (the same)" if old.id == new.id else ""
        table.add_row(new.image, old.version or "-", f"{new.version or '-'}{same}", green.get(new.id, "no"))
    console.print(table)


def main() -> None:
    """Pull the base images and show them; if the stack runs on Docker, update it."""
    preflight.check(variables(), starts=False)
    if (engine := docker_engine.look()).trouble:
        fail(f"Images are Docker's, and {engine.trouble}. {engine.fix}")
    before = tested.bases()
    with rollout.alone():
        for image in load()[1]["x-images"].values():
            with step(f"image {image}"):
                pull(image)
    show(before, tested.bases())
    if runtime_docker.is_up():
        runtime_docker.up()
    else:
        say("The stack does not run on Docker. Next: make up RUNTIME=docker, which builds on these images")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)

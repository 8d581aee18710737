"""Measure what our layers add to the base image, for each service that is built here."""

import json
import subprocess
from dataclasses import dataclass
from typing import Any

from runtime.compose_file import load
from runtime.docker import stack as runtime_docker

AIM_MB = 90


@dataclass(frozen=True)
class Image:
    """A service's image and its base, in MB of 1,000,000 bytes."""

    name: str
    size: float
    base: float

    @property
    def added(self) -> float:
        return self.size - self.base


def images() -> tuple[list[Image], list[str]]:
    """Return the images that could be compared, and a sentence for each one that could not."""
    if not runtime_docker.answers():
        return [], ["No Docker engine answers."]
    document = load()[1]
    base_name = document["x-images"]["python"]
    base = inspect(base_name)
    if base is None:
        return [], [f"The base image {base_name} is not here."]
    found, missing = [], []
    for entry in document["services"].values():
        if "build" not in entry or entry.get("profiles"):
            continue
        image = inspect(entry["image"])
        layers = base["RootFS"]["Layers"]
        if image is None:
            missing.append(f"{entry['image']} is not built; make up RUNTIME=docker builds it.")
        elif image["RootFS"]["Layers"][: len(layers)] != layers:
            missing.append(f"{entry['image']} was built on another {base_name} than the one that is here now.")
        else:
            found.append(Image(entry["image"], image["Size"] / 1e6, base["Size"] / 1e6))
    return found, missing


def inspect(name: str) -> dict[str, Any] | None:
    """Return Docker's description of an image, ``None`` if the image is not present."""
    shown = subprocess.run(["docker", "image", "inspect", name], capture_output=True, text=True, timeout=60)
    if shown.returncode:
        return None
    [facts] = json.loads(shown.stdout)
    return dict(facts)

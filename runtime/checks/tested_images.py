"""Record the base images with which the tests passed here. make test writes the record, with each image's registry digests.

To use exactly these images again, name them by digest in compose.yaml instead of by a tag that moves.
"""

import json
import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from runtime.checks import floors
from runtime.compose_file import ROOT, load
from runtime.docker.wanted import image_id

RECORD = ROOT / ".run" / "tested.json"


@dataclass(frozen=True)
class Base:
    """The image that the tag of a base image names here, and the version of the program that it provides."""

    image: str
    id: str  # empty if the image is not here
    version: str | None
    digests: list[str]  # none if the image came from no registry


def bases() -> list[Base]:
    """Return the base images of compose.yaml."""
    images: dict[str, str] = load()[1]["x-images"]
    return [Base(image, image_id(image), floors.version_in(image, floors.OF_BASE[name]), digests(image)) for name, image in images.items()]


def digests(image: str) -> list[str]:
    """Return the digests by which registries know an image."""
    words = ["docker", "image", "inspect", "--format", "{{json .RepoDigests}}", image]
    printed = subprocess.run(words, capture_output=True, text=True)
    found: list[str] | None = None if printed.returncode else json.loads(printed.stdout)
    return found or []


def record() -> None:
    """Record the current base images."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    document = {"time": f"{datetime.now(UTC):%Y-%m-%d}", "commit": commit, "images": [asdict(base) for base in bases()]}
    RECORD.write_text(json.dumps(document, indent=1) + "\n")


def recorded() -> dict[str, str]:
    """Return the date of the record by image id."""
    document: dict[str, Any] = json.loads(RECORD.read_text()) if RECORD.is_file() else {"images": []}
    return {base["id"]: document["time"] for base in document["images"] if base["id"]}

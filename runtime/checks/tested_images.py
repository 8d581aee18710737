"""With which base images the tests were green here: make test writes it down, with the digest by which a registry knows each.

Who wants exactly these again names them by digest in compose.yaml, in place of a tag that moves.
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
    """What the tag of a base image names here, and the version of the part that it is for."""

    image: str
    id: str  # empty where it is not here
    version: str | None
    digests: list[str]  # none where it came from no registry


def bases() -> list[Base]:
    """Those of compose.yaml."""
    images: dict[str, str] = load()[1]["x-images"]
    return [Base(image, image_id(image), floors.version_in(image, floors.OF_BASE[name]), digests(image)) for name, image in images.items()]


def digests(image: str) -> list[str]:
    """By what registries know an image."""
    words = ["docker", "image", "inspect", "--format", "{{json .RepoDigests}}", image]
    printed = subprocess.run(words, capture_output=True, text=True)
    found: list[str] | None = None if printed.returncode else json.loads(printed.stdout)
    return found or []


def record() -> None:
    """Write down the base images of this moment."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    document = {"time": f"{datetime.now(UTC):%Y-%m-%d}", "commit": commit, "images": [asdict(base) for base in bases()]}
    RECORD.write_text(json.dumps(document, indent=1) + "\n")


def recorded() -> dict[str, str]:
    """The day of the record, by each image's id."""
    document: dict[str, Any] = json.loads(RECORD.read_text()) if RECORD.is_file() else {"images": []}
    return {base["id"]: document["time"] for base in document["images"] if base["id"]}

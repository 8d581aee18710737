"""Images that came in a bundle: while their sources here are those that they were built from, nothing has to be built.

A build would ask the network for packages, also where its image is here already: what it was built from is not kept with an image.
"""

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

from runtime.compose_file import ROOT, load

KEPT = ROOT / ".run" / "bundle.json"  # by image: its id in this engine, and its sources, as make load-bundle wrote them
SHARED = ROOT / "services" / "shared"


def to_build(*profiles: str) -> list[str]:
    """The services, those of some profiles too, whose image has to be built, or looked at by Docker's build, which knows what changed."""
    kept: dict[str, dict[str, str]] = json.loads(KEPT.read_text()) if KEPT.is_file() else {}
    return [
        name
        for name, entry in load()[1]["services"].items()
        if "build" in entry and {*entry.get("profiles", profiles)} <= {*profiles} and not unchanged(entry, kept.get(entry["image"]))
    ]


def unchanged(entry: dict[str, Any], kept: dict[str, str] | None) -> bool:
    """Whether an image is the bundle's, and would be built from the same again."""
    return kept is not None and kept["sources"] == sources(entry) and kept["id"] == image_id(entry["image"])


def image_id(image: str) -> str:
    """What the engine knows an image by, nothing where it has none of that name."""
    words = ["docker", "image", "inspect", "--format", "{{.Id}}", image]
    return subprocess.run(words, capture_output=True, text=True).stdout.strip()


def sources(entry: dict[str, Any]) -> str:
    """A digest of all that the build of a service of compose.yaml reads."""
    digest = hashlib.sha256(json.dumps(entry["build"], sort_keys=True).encode())
    for folder in (ROOT / entry["build"]["context"], SHARED):
        for path in sorted(path for path in folder.rglob("*") if path.is_file() and not made(path)):
            digest.update(f"{path.relative_to(ROOT)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def made(path: Path) -> bool:
    """Whether running something leaves it, and no image has it."""
    return bool({"__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"}.intersection(path.parts))

"""Images from a bundle. While the sources here are those that a bundled image was built from, nothing has to be built.

Even if the image is here already, a build would request packages from the network: an image does not include what it was built from.
"""

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

from runtime.compose_file import ROOT, load

KEPT = ROOT / ".run" / "bundle.json"  # by image: its id in this engine and the digest of its sources, written by make load-bundle
SHARED = ROOT / "services" / "shared"


def to_build(*profiles: str) -> list[str]:
    """Return the services, including those of ``profiles``, whose image must be built, or checked by Docker's build for changes."""
    kept: dict[str, dict[str, str]] = json.loads(KEPT.read_text()) if KEPT.is_file() else {}
    return [
        name
        for name, entry in load()[1]["services"].items()
        if "build" in entry and {*entry.get("profiles", profiles)} <= {*profiles} and not unchanged(entry, kept.get(entry["image"]))
    ]


def unchanged(entry: dict[str, Any], kept: dict[str, str] | None) -> bool:
    """Return whether an image is the bundle's, and a build would use the same sources."""
    return kept is not None and kept["sources"] == sources(entry) and kept["id"] == image_id(entry["image"])


def image_id(image: str) -> str:
    """Return the engine's id of an image, empty if the engine has none of that name."""
    words = ["docker", "image", "inspect", "--format", "{{.Id}}", image]
    return subprocess.run(words, capture_output=True, text=True).stdout.strip()


def sources(entry: dict[str, Any]) -> str:
    """Return a digest of everything that the build of a service of compose.yaml reads."""
    digest = hashlib.sha256(json.dumps(entry["build"], sort_keys=True).encode())
    for folder in (ROOT / entry["build"]["context"], SHARED):
        for path in sorted(path for path in folder.rglob("*") if path.is_file() and not made(path)):
            digest.update(f"{path.relative_to(ROOT)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def made(path: Path) -> bool:
    """Return whether a file is a by-product of running a program, which no image contains."""
    return bool({"__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"}.intersection(path.parts))

"""What is audited: each image by what is in it, and the checkout's own environments.

Where no Docker engine answers, an image is taken for what its lock says.
"""

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from dev.audit.image_files import ImageFiles, SystemPackage, lay_out, read_image
from runtime import venv
from runtime.compose_file import ROOT, load
from runtime.console import fail
from runtime.docker.compose import compose

FOLDER = ROOT / ".run" / "audit"
TOOLS = tuple(sorted(path.stem for path in (ROOT / "dev" / "tools").glob("*.in")))


@dataclass(frozen=True)
class Subject:
    """One set of packages that is installed together."""

    name: str
    read_from: str  # in words
    python: Path  # of an environment with the metadata of its packages
    shipped: bool  # in an image; else it only runs here
    image_id: str = ""
    system: list[SystemPackage] = field(default_factory=list)
    release: dict[str, str] = field(default_factory=dict)

    def packages(self) -> list[tuple[str, str]]:
        """Its Python packages, each with its version, by name as PyPI has it."""
        [site_packages] = self.python.parent.parent.glob("lib/python*/site-packages")
        found = {(canonical(one.metadata["Name"]), one.version) for one in distributions(path=[str(site_packages)])}
        return sorted(found)


def canonical(name: str) -> str:
    """A package's name as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def images() -> dict[str, dict[str, Any]]:
    """The entry in compose.yaml of every image of the stack, once each, by the image's name without its tag."""
    entries = load()[1]["services"].values()
    return {entry["image"].rsplit("/", 1)[-1].split(":")[0]: entry for entry in reversed(list(entries))}


def environment(name: str, python_metadata: dict[str, str]) -> Path:
    """The Python of a new environment that has these packages' metadata and nothing else."""
    folder = FOLDER / name
    subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(folder)], check=True)
    [site_packages] = folder.glob("lib/python*/site-packages")
    lay_out(python_metadata, site_packages)
    return folder / "bin" / "python"


def from_images(progress: Callable[[str], None]) -> list[Subject]:
    """Build what changed, and read every image."""
    progress("Building the images that changed")
    built = compose("--profile", "*", "build", "--quiet", quiet=True)
    if built.returncode:
        fail(f"An image could not be built:\n{built.stderr.strip()[-2000:]}")
    found = []
    for name, entry in sorted(images().items()):
        progress(f"Reading the image {entry['image']}")
        files: ImageFiles = read_image(entry["image"])
        python = environment(name, files.python_metadata)
        found.append(Subject(name, f"the image {entry['image']}", python, True, files.image_id, files.system, files.release))
    return found


def from_locks() -> list[Subject]:
    """What each lock says, with the metadata of the same packages in this checkout's environment."""
    installed = {canonical(one.metadata["Name"]): one for one in distributions()}
    found = []
    for name, entry in sorted(images().items()):
        if "PYTHON_IMAGE" not in entry.get("build", {}).get("args", {}):  # no Python of ours is in it
            continue
        folder = ROOT / entry["build"]["context"]
        mounted = re.search(r"--mount=source=(\S+?),", (folder / "Dockerfile").read_text())
        assert mounted, f"{name} mounts no lock"
        lock = folder / mounted[1]
        metadata = {}
        for package, version, marker in re.findall(r"^([\w.-]+)==(\S+)( ;)?", lock.read_text(), re.MULTILINE):
            here = installed.get(canonical(package))
            if here and here.version == version:
                metadata[f"{package}-{version}.dist-info/METADATA"] = here.read_text("METADATA") or ""
            elif not marker:  # one with a marker may be for another system
                fail(f"{package} {version} of {lock.relative_to(ROOT)} is not installed here. Run it as make audit does.")
        found.append(Subject(name, f"the lock {lock.relative_to(ROOT)}", environment(name, metadata), True))
    return found


def of_the_checkout() -> list[Subject]:
    """What runs here and is in no image, tests and tools, as it is installed."""
    found = [Subject("checkout", "the environment .venv", Path(sys.prefix) / "bin" / "python", False)]
    for name in TOOLS:
        python = Path(venv.tool(name))  # type: ignore[no-untyped-call]
        found.append(Subject(f"tool-{name}", f"the environment .cache/tools/{name}", python, False))
    return found

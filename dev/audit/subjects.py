"""The subjects of the audit: each image with its contents, and the checkout's own environments.

If no Docker engine answers, an image's contents are assumed to be what its lock says.
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
    """A set of packages that are installed together."""

    name: str
    read_from: str  # for people: the image, lock or environment
    python: Path  # the interpreter of an environment that has the packages' metadata
    shipped: bool  # in an image; otherwise it only runs here
    image_id: str = ""
    system: list[SystemPackage] = field(default_factory=list)
    release: dict[str, str] = field(default_factory=dict)

    def packages(self) -> list[tuple[str, str]]:
        """Return its Python packages as sorted pairs of PyPI's normalised name and version."""
        [site_packages] = self.python.parent.parent.glob("lib/python*/site-packages")
        found = {(canonical(one.metadata["Name"]), one.version) for one in distributions(path=[str(site_packages)])}
        return sorted(found)


def canonical(name: str) -> str:
    """Return a package's name in the form in which PyPI compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def images() -> dict[str, dict[str, Any]]:
    """Return one compose.yaml entry for every image of the stack, by the image's name without its tag."""
    entries = load()[1]["services"].values()
    return {entry["image"].rsplit("/", 1)[-1].split(":")[0]: entry for entry in reversed(list(entries))}


def environment(name: str, python_metadata: dict[str, str]) -> Path:
    """Create an environment that has only these packages' metadata; return its Python."""
    folder = FOLDER / name
    subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(folder)], check=True)
    [site_packages] = folder.glob("lib/python*/site-packages")
    lay_out(python_metadata, site_packages)
    return folder / "bin" / "python"


def from_images(progress: Callable[[str], None]) -> list[Subject]:
    """Build the images that changed, and read every image."""
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
    """Return what each image's lock says, with the metadata of the same packages in this checkout's environment."""
    installed = {canonical(one.metadata["Name"]): one for one in distributions()}
    found = []
    for name, entry in sorted(images().items()):
        if "PYTHON_IMAGE" not in entry.get("build", {}).get("args", {}):  # an image without the project's Python code
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
            elif not marker:  # a package with a marker may be for another system
                fail(f"{package} {version} of {lock.relative_to(ROOT)} is not installed here. Run it as make audit does.")
        found.append(Subject(name, f"the lock {lock.relative_to(ROOT)}", environment(name, metadata), True))
    return found


def of_the_checkout() -> list[Subject]:
    """Return the installed environments that only run here and are in no image: tests and tools."""
    found = [Subject("checkout", "the environment .venv", Path(sys.prefix) / "bin" / "python", False)]
    for name in TOOLS:
        python = Path(venv.tool(name))  # type: ignore[no-untyped-call]
        found.append(Subject(f"tool-{name}", f"the environment .cache/tools/{name}", python, False))
    return found

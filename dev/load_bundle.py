"""Unpack a bundle: python3 runtime/venv.py none -m dev.load_bundle. Also: make load-bundle (B=bundle/..., or the newest).

Needs only Python, since there may be no network to create an environment. The images go to Docker if an engine answers, and the
packages to .cache, where runtime/venv.py finds them. The expected checksum is in the .sha256 file beside the bundle, or in SHA256.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import IO, Any

from runtime import given_file, venv
from runtime.messages import fail, say

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "bundle"
KEPT = ROOT / ".run" / "bundle.json"
FORMAT = 1
PIECE = 2**20
SECONDS_BETWEEN = 5  # between two progress messages


def main() -> None:
    """Verify the checksum, and only then unpack the bundle."""
    path = chosen()
    expected = checksum(path)
    say(f"  Checking {path.name} ...")
    if (found := digest_of(path, progress(path.stat().st_size, "checked"))) != expected:
        fail(f"{path.name} has the SHA-256 {found}, and should have {expected}: the copy is broken. Copy it again")
    try:
        manifest, loaded = take_apart(path)
    except (tarfile.TarError, zlib.error, OSError, KeyError, ValueError, EOFError) as error:
        fail(f"{path.name} is no bundle of this project: {error}")
    if venv.kind() in manifest["pythons"]:  # type: ignore[no-untyped-call]
        print(f"Packages for {venv.kind()} are in .cache.")  # type: ignore[no-untyped-call]
    else:
        print(
            f"This Python is {venv.kind()}, and the packages are for {', '.join(manifest['pythons'])}: "  # type: ignore[no-untyped-call]
            "choose one of these with make PYTHON=..., or make up needs the network once."
        )
    print(f"{len(manifest['images'])} images are in Docker." if loaded else "No Docker engine answers: the images were left out.")
    print("Next: make up" if loaded else "Next: make up RUNTIME=local")


def chosen() -> Path:
    """Return the bundle that B names, or the newest."""
    given = os.environ.get("B")
    found = [Path(given)] if given else sorted(FOLDER.glob("*.tar.gz"), key=lambda path: path.stat().st_mtime)
    if not found:
        fail("There is no bundle in bundle/. Copy one there, with the small file beside it, or make one: make bundle", 2)
    given_file.readable(found[-1], "a bundle that make bundle made", 2)
    return found[-1]


def checksum(path: Path) -> str:
    """Return the SHA-256 that the file should have."""
    given = os.environ.get("SHA256", "").strip().lower()
    beside = path.with_name(path.name + ".sha256")
    if not given and not beside.is_file():
        fail(f"{beside.name} is not beside the bundle. Copy it too, or say what make bundle printed: make load-bundle SHA256=...", 2)
    words = [given] if given else given_file.text(beside).lower().split()
    if not words or not re.fullmatch("[0-9a-f]{64}", words[0]):
        fail(f"{'SHA256' if given else beside} has no SHA-256; accepted: 64 hexadecimal digits, as make bundle printed them", 2)
    return words[0]


def take_apart(path: Path) -> tuple[dict[str, Any], bool]:
    """Unpack the bundle; return its manifest, and whether its images were loaded."""
    manifest: dict[str, Any] = {}
    with tarfile.open(path, "r|gz") as tar:
        for entry in tar:  # in the order of dev/bundle.py: manifest, packages, images
            if entry.name == "manifest.json":
                manifest = json.load(contents(tar, entry))
                if manifest["format"] != FORMAT:
                    raise ValueError(f"its format is {manifest['format']}, and this checkout reads {FORMAT}")
            elif entry.name == "images.tar":
                return manifest, engine_answers() and load(contents(tar, entry), entry.size, manifest)
            elif entry.isfile():
                keep(contents(tar, entry), entry.name)
    raise ValueError("it has no images")


def contents(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> IO[bytes]:
    """Return an entry's content; raise ``ValueError`` if it is not a file."""
    file = tar.extractfile(entry)
    if file is None:
        raise ValueError(f"{entry.name} is no file")
    return file


def keep(file: IO[bytes], name: str) -> None:
    """Write a package to the folder in which runtime/venv.py looks for it."""
    first, kind, package = name.split("/")  # any other name raises ValueError, so that nothing is written elsewhere
    if first != "wheels" or ".." in (kind, package):
        raise ValueError(f"it has {name!r}")
    folder = venv.WHEELS / kind
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / package).open("wb") as kept:
        shutil.copyfileobj(file, kept)


def engine_answers() -> bool:
    try:
        return subprocess.run(["docker", "info"], capture_output=True, timeout=10).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def load(file: IO[bytes], count: int, manifest: dict[str, Any]) -> bool:
    """Load the images into Docker, and record the ids of the images that need no build."""
    tell, done = progress(count, "loaded into Docker"), 0
    with subprocess.Popen(["docker", "load", "--quiet"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as docker:
        assert docker.stdin
        assert docker.stdout
        try:
            while piece := file.read(PIECE):
                docker.stdin.write(piece)
                done += len(piece)
                tell(done)
            docker.stdin.close()
        except BrokenPipeError:
            pass  # docker load printed the reason, which is read below
        said = docker.stdout.read().decode(errors="replace").strip()
    if docker.returncode:
        fail(f"Docker does not take the images: {said[-500:]}")
    inspect = ["docker", "image", "inspect", "--format", "{{.Id}}"]
    ids = {image: subprocess.run([*inspect, image], capture_output=True, text=True).stdout.strip() for image in manifest["sources"]}
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text(json.dumps({image: {"id": ids[image], "sources": digest} for image, digest in manifest["sources"].items()}, indent=1))
    return True


def digest_of(path: Path, tell: Callable[[int], None]) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
            tell(file.tell())
    return digest.hexdigest()


def progress(count: int, word: str) -> Callable[[int], None]:
    """Return a function to call with the number of bytes done; it prints the percentage every few seconds."""
    told = [monotonic()]

    def tell(done: int) -> None:
        if monotonic() - told[0] > SECONDS_BETWEEN:
            told[0] = monotonic()
            say(f"  {done / count:.0%} {word} ...")

    return tell


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)

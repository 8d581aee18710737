"""Pack everything that the stack and the lessons download into one file: python3 runtime/venv.py runtime -m dev.bundle.

Also: make bundle. It holds images for this machine's platform. Its packages are for the current Python, or for each interpreter in
PYTHONS, such as "python3.12 python3.13". make load-bundle unpacks it on another machine, which then needs no network.
"""

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from dev.load_bundle import FOLDER, FORMAT, digest_of, progress
from ops.backup import PIECE, Counting, size
from runtime import package_index, venv
from runtime.compose_file import ROOT, load
from runtime.console import console, fail, say
from runtime.docker import stack as runtime_docker
from runtime.docker.bundled import sources
from runtime.docker.compose import build, docker
from runtime.error_hints import cause
from runtime.progress import step

# Groups of runtime/venv.py: the stack in both runtimes, and the laboratory.
GROUPS = ("runtime", "services", "loadtest")
# gzip's level. Wheels are already compressed, and for the images' layers a low level saves nearly as much as a high one.
LEVEL = 1


def main() -> None:
    """Make the bundle, and print what to do with it."""
    if not runtime_docker.answers():
        fail("Images are in Docker, and no engine with Compose answers. Start Docker first")
    if missing := runtime_docker.missing_image():
        fail(f"The image {missing} is not here and cannot be pulled")
    with step("images of this project, those that changed") as shown:
        if wrong := build("--profile", "*", tell=shown.tell):
            fail(f"An image could not be built:\n{cause(wrong)}")
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix=".making-") as made:
        path = put_together(Path(made))
    digest = digest_of(path, progress(path.stat().st_size, "checked"))
    path.with_name(f"{path.name}.sha256").write_text(f"{digest}  {path.name}\n")
    console.print(f"{path.relative_to(ROOT)}, {size(path)}, SHA-256 {digest}")
    console.print(f"Next: both files of {FOLDER.name}/ into {FOLDER.name}/ of another checkout, and there: make load-bundle")


def put_together(made: Path) -> Path:
    """Collect the parts in a temporary folder, write the bundle, and return its path."""
    document = load()[1]
    entries = document["services"].values()
    images = sorted({*document["x-images"].values(), *(entry["image"] for entry in entries)})
    wheels = made / "wheels"
    pythons = (os.environ.get("PYTHONS") or sys.executable).split()
    manifest = {
        "format": FORMAT,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "platform": docker("image", "inspect", "--format", "{{.Os}}/{{.Architecture}}", images[0]),
        "images": images,
        "sources": {entry["image"]: sources(entry) for entry in entries if "build" in entry},
        "pythons": [collect(python, wheels) for python in pythons],
    }
    say(f"  Copying {len(images)} images ...")
    saved = made / "images.tar"
    save(images, saved)
    architecture = str(manifest["platform"]).replace("/", "-")
    path = FOLDER / f"twogates-{commit()}-{architecture}.tar.gz"
    say(f"  Writing {path.relative_to(ROOT)} ...")
    whole = made / path.name  # so an interrupted write is never mistaken for a bundle
    tell = progress(saved.stat().st_size, "of the images written")
    # In the order in which load-bundle needs the parts, because it reads the file as a stream.
    with tarfile.open(whole, "w:gz", compresslevel=LEVEL) as tar:
        written = json.dumps(manifest, indent=1).encode()
        add(tar, "manifest.json", io.BytesIO(written), len(written), tell)
        tar.add(wheels, "wheels")
        with saved.open("rb") as file:
            add(tar, "images.tar", file, saved.stat().st_size, tell)
    return whole.rename(path)


def collect(python: str, folder: Path) -> str:
    """Download the wheels of all locks for an interpreter; return its ``venv.kind``."""
    ask = [python, "-c", "from runtime import venv; print(venv.kind())"]
    asked = subprocess.run(ask, cwd=ROOT, capture_output=True, text=True) if shutil.which(python) else None
    if asked is None or asked.returncode:
        fail(f"PYTHONS has {python!r}; accepted: names of Pythons of this machine, 3.11 or newer, with spaces between", 2)
    kind = asked.stdout.strip()
    say(f"  Downloading the packages for {kind} ...")
    locks = [*dict.fromkeys([*venv.INSTALLER, *(lock for group in GROUPS for lock in venv.LOCKS[group])])]  # groups share some locks
    options = [option for lock in locks for option in ("-r", lock)]
    # Only wheels, as in the images: the other machine may have no compiler.
    what = ["--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--dest", str(folder / kind), *options]
    pip = [sys.executable, "-m", "pip"]
    command = [*pip, "--python", python, "download", *what]
    done = subprocess.run(command, cwd=ROOT, env=package_index.for_pip(pip), capture_output=True, text=True)
    if done.returncode:
        fail(f"The packages for {kind} cannot be had:\n{done.stderr.strip()[-2000:]}")
    (folder / kind / "locks.txt").write_text("".join(f"{venv.lock_digest(lock)}  {lock}\n" for lock in locks))  # type: ignore[no-untyped-call]
    return kind


def save(images: list[str], path: Path) -> None:
    """Have Docker write images to a file."""
    with path.open("wb") as file, subprocess.Popen(["docker", "save", *images], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        shutil.copyfileobj(Counting(process.stdout), file, PIECE)
        said = process.stderr.read().decode(errors="replace").strip()
    if process.returncode:
        fail(f"docker save failed: {said[-500:]}")


class Told(io.RawIOBase):
    """A file that reports how much of it was read."""

    def __init__(self, file: IO[bytes], tell: Callable[[int], None]) -> None:
        self.file, self.tell_of = file, tell

    def read(self, count: int = -1) -> bytes:
        """Read the next bytes and report the position."""
        piece = self.file.read(count)
        self.tell_of(self.file.tell())
        return piece


def add(tar: tarfile.TarFile, name: str, file: IO[bytes], count: int, tell: Callable[[int], None]) -> None:
    """Add one file to the bundle."""
    entry = tarfile.TarInfo(name)
    entry.size = count
    tar.addfile(entry, Told(file, tell))


def commit() -> str:
    """Return the checkout's commit, or "unknown": the checkout that loads the bundle should have the same commit."""
    words = ["git", "rev-parse", "--short", "HEAD"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True) if shutil.which("git") else None
    return done.stdout.strip() if done and not done.returncode else "unknown"


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)

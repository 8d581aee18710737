"""Remove everything that was generated, except the user's own data: python3 runtime/venv.py none -m ops.clean.

Removes the stack with its volumes, networks and images, the environment, downloads, and the caches of tools. Keeps results,
backups, bundles, secrets, certificates and .env, and lists what it keeps.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from runtime.compose_file import ROOT, variables
from runtime.docker import engine as docker_engine
from runtime.local import orphans
from runtime.messages import fail
from runtime.venv import PYTHON, VENV

OURS = (".venv", ".run", ".cache")
OF_TOOLS = (".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache", "__pycache__")  # in any folder
KEPT = ("results", "backups", "bundle", "secrets", "tls", "acme", ".env")
# What Compose labels with the project's name, in the order in which Docker can remove it.
KINDS = {
    "container": (["ps", "--all", "--quiet"], ["rm", "--force", "--volumes"]),
    "volume": (["volume", "ls", "--quiet"], ["volume", "rm"]),
    "network": (["network", "ls", "--quiet"], ["network", "rm"]),
    "image": (["image", "ls", "--quiet"], ["image", "rm"]),
}


def main() -> None:
    """Stop the stack, remove everything, and print what is kept."""
    given = variables()
    if given.get("PROFILE") == "production":
        fail(
            "PROFILE is production, and this would remove the database. First make backup, then: "
            "make clean PROFILE=development COMPOSE_FILE=compose.yaml"
        )
    if PYTHON.exists() and (VENV / ".installed-runtime").exists():  # an orderly shut-down, with each server's own time limit
        down = subprocess.run([str(PYTHON), "-m", "ops.stack", "down"], cwd=ROOT, capture_output=True, text=True)
        if down.returncode:
            fail(f"The stack could not be stopped, and nothing was removed:\n{down.stderr.strip()}")
    orphans.end()
    removed = [sentence for name in docker_engine.made() for sentence in docker(name)]
    folders = [ROOT / name for name in OURS if (ROOT / name).exists()]
    for folder in folders:
        if folder.is_symlink():
            folder.unlink()
        shutil.rmtree(folder, ignore_errors=True)
    caches(ROOT)
    if left := [folder.name for folder in folders if folder.exists()]:
        fail(f"{', '.join(left)} could not be removed: another user owns files there. As that user, or root: rm -r {' '.join(left)}")
    print(f"Removed: {', '.join([*removed, *(folder.name for folder in folders)]) or 'nothing, there was nothing'}.")
    if kept := [name for name in KEPT if holds(ROOT / name)]:
        removing = " ".join("results/*" if name == "results" else name for name in kept)
        print(f"Kept, as they may be all there is of their kind: {', '.join(kept)}. Remove them with: rm -r {removing}")


def holds(path: Path) -> bool:
    """Whether a path exists and holds more than its .gitignore."""
    return path.exists() and (not path.is_dir() or any(one.name != ".gitignore" for one in path.iterdir()))


def docker(name: str) -> list[str]:
    """Remove everything that Compose made for a project, built images included; return each kind with the number removed."""
    if docker_engine.look().trouble:
        return []
    if other := docker_engine.elsewhere(name, ROOT):
        print(f"Docker has {name} from {other}, and what is there is not touched.")
        return []
    removed = []
    for kind, (find, remove) in KINDS.items():
        listed = subprocess.run(
            ["docker", *find, "--filter", f"label={docker_engine.LABEL}={name}"], capture_output=True, text=True
        ).stdout.split()
        if names := list(dict.fromkeys(listed)):
            done = subprocess.run(["docker", *remove, *names], capture_output=True, text=True)
            if done.returncode:
                fail(f"A {kind} of the project {name} could not be removed:\n{done.stderr.strip()[-1000:]}")
            removed.append(f"{len(names)} {kind}{'s' if len(names) > 1 else ''}")
    return removed


def caches(folder: Path) -> None:
    """Remove the caches of Python and tools everywhere, except in the folders that are kept."""
    for place, names, _ in os.walk(folder):
        names[:] = [name for name in names if name not in (".git", *KEPT)]
        for name in set(names) & set(OF_TOOLS):
            names.remove(name)
            shutil.rmtree(Path(place) / name, ignore_errors=True)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main()

"""The facts that make a number credible: versions, machine, commit, command and time."""

import hashlib
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from loadtest.engine.machine import Machine
from runtime.compose_file import ROOT, variables

PACKAGES = {
    "generator": ("locust", "gevent", "geventhttpclient", "hdrhistogram", "websocket-client", "numpy"),
    "services": (
        "flask",
        "gunicorn",
        "fastapi",
        "starlette",
        "uvicorn",
        "uvicorn-worker",
        "uvloop",
        "httptools",
        "django",
        "daphne",
        "twisted",
    ),
}


def manifest(command: str, seed: int, runtime: str, machine: Machine) -> dict[str, Any]:
    """Return the facts of a run that are not measurements."""
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "seed": seed,
        "commit": commit(),
        "runtime": runtime,
        "python": platform.python_version(),
        **{group: {name: installed(name) for name in names} for group, names in PACKAGES.items()},
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpu": cpu_model(),
        "cpus": os.cpu_count(),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "placement": machine.words,
        "settings": {name: value for name, value in sorted(variables().items()) if name in known_settings()},
    }


# Facts about when and how a run was made, as opposed to its conditions.
OF_THE_RUN = ("time", "command", "commit", "seed")
# The files that the numbers of a run depend on.
CODE = ("compose.yaml", "loadtest", "nginx", "runtime", "services")


def conditions(seed: int, runtime: str, machine: Machine) -> dict[str, Any]:
    """Return what must match if two experiments share a report: machine, versions, settings, and the program's own files."""
    facts = manifest("", seed, runtime, machine)
    return {name: value for name, value in facts.items() if name not in OF_THE_RUN} | {"code": code()}


def code() -> str:
    """Return a digest of the program. Unlike a commit, it shows uncommitted changes, and ignores commits that change no code."""
    digest = hashlib.sha256()
    files = [file for name in CODE for file in ((ROOT / name).rglob("*") if (ROOT / name).is_dir() else [ROOT / name])]
    for file in sorted(files):
        if file.is_file() and "__pycache__" not in file.parts:
            digest.update(f"{file.relative_to(ROOT)} {file.stat().st_size}\n".encode() + file.read_bytes())
    return digest.hexdigest()[:12]


def installed(name: str) -> str:
    """Return a package's version, or that it is not installed here: with Docker, the services' packages are in their images."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed here"


def known_settings() -> set[str]:
    """Return the names of compose.yaml's variables."""
    from runtime.compose_file import defaults

    return set(defaults())


def commit() -> str:
    """Return the commit, marked if there are uncommitted changes."""
    try:
        found = subprocess.run(["git", "describe", "--always", "--dirty", "--abbrev=12"], cwd=ROOT, capture_output=True, text=True)
    except OSError:
        return "unknown"
    return found.stdout.strip() or "unknown"


def cpu_model() -> str:
    """Return the CPU's name, where the system reports it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor() or "unknown")

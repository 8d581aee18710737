"""What a number needs beside it to be believed: versions, machine, command and time."""

import os
import platform
import shlex
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from loadtest.results import Options

GENERATOR_PACKAGES = ("locust", "gevent", "geventhttpclient", "hdrhistogram", "websocket-client")


def manifest(options: Options) -> dict[str, Any]:
    """The facts of this run that are not measurements."""
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command(options),
        "target": options.target,
        "generator": {"python": platform.python_version(), **{name: version(name) for name in GENERATOR_PACKAGES}},
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpu": cpu_model(),
        "cpus": os.cpu_count(),
        "note": "Generator, Nginx and services share these CPUs. One run of each service, in the order of the rows.",
    }


def command(options: Options) -> str:
    """The command that repeats this run, with every setting written out."""
    settings = {**asdict(options), **asdict(options.parameters), "services": " ".join(options.services)}
    del settings["parameters"]
    words = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
    return shlex.join(["python", "-m", "loadtest", "load", *words])


def cpu_model() -> str:
    """The CPU's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor() or "unknown")

"""Compare what the Compose files define with what runs: which containers a start would replace."""

import subprocess
from dataclasses import dataclass
from typing import Any

import yaml

from runtime.console import fail
from runtime.docker.compose import compose
from runtime.docker.replicas import Replica, replicas

HASH = "com.docker.compose.config-hash"


@dataclass(frozen=True)
class Wanted:
    """One service as Compose resolves it from all files and variables."""

    name: str
    image: str
    count: int
    ends: bool  # a job
    built: bool  # its image is built here, by this service or by another
    hash: str  # Compose's hash of the definition, which it writes on each container

    def outdated(self, replica: Replica) -> bool:
        """Return whether this container must be replaced: its definition or its image has changed, or it is unhealthy or restarting."""
        facts = replica.look()
        labels, state = facts["Config"]["Labels"], facts["State"]
        unwell = state["Restarting"] or state.get("Health", {}).get("Status") == "unhealthy"
        return bool(unwell or labels.get(HASH) != self.hash or facts["Image"] != image_id(self.image))


def resolved() -> str:
    """Return the whole document as Compose resolves it, in YAML. Compose cannot read back limits of 0 from its own JSON."""
    printed = compose("config", quiet=True)
    if printed.returncode:
        fail(f"Compose does not accept its files:\n{printed.stderr.strip()[-2000:]}")
    return printed.stdout


def wanted() -> dict[str, Wanted]:
    """Return every service that takes part in a start, by name."""
    entries: dict[str, Any] = yaml.safe_load(resolved())["services"]
    hashes = dict(line.split() for line in compose("config", "--hash", "*", quiet=True).stdout.splitlines())
    built = {entry["image"] for entry in entries.values() if "build" in entry}
    return {
        name: Wanted(
            name=name,
            image=entry["image"],
            count=int(entry.get("deploy", {}).get("replicas", 1)),
            ends=entry.get("restart") == "no",
            built=entry["image"] in built,
            hash=hashes[name],
        )
        for name, entry in entries.items()
    }


def image_id(name: str) -> str:
    """Return the id of the image that has this name now, empty if there is none."""
    words = ["docker", "image", "inspect", "--format", "{{.Id}}", name]
    return subprocess.run(words, capture_output=True, text=True).stdout.strip()


def outdated(one: Wanted) -> list[Replica]:
    """Return the containers of a service that must be replaced."""
    return [replica for replica in replicas(one.name) if one.outdated(replica)]

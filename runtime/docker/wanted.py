"""What the Compose files ask for, beside what runs: which containers a start would replace."""

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
    hash: str  # Compose's own, which it writes on each container

    def outdated(self, replica: Replica) -> bool:
        """Whether Compose would make this container anew: its definition or its image has changed, or it is not well."""
        facts = replica.look()
        labels, state = facts["Config"]["Labels"], facts["State"]
        unwell = state["Restarting"] or state.get("Health", {}).get("Status") == "unhealthy"
        return bool(unwell or labels.get(HASH) != self.hash or facts["Image"] != image_id(self.image))


def resolved() -> str:
    """The whole document as Compose resolves it, in YAML: its JSON has limits of 0 in a form that it does not read back."""
    printed = compose("config", quiet=True)
    if printed.returncode:
        fail(f"Compose does not accept its files:\n{printed.stderr.strip()[-2000:]}")
    return printed.stdout


def wanted() -> dict[str, Wanted]:
    """Every service that takes part in a start."""
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
    """The id of the image that has a name now; empty where there is none."""
    words = ["docker", "image", "inspect", "--format", "{{.Id}}", name]
    return subprocess.run(words, capture_output=True, text=True).stdout.strip()


def outdated(one: Wanted) -> list[Replica]:
    """The containers of a service that Compose would make anew."""
    return [replica for replica in replicas(one.name) if one.outdated(replica)]

"""Check images for programs with known vulnerabilities: production does not start with one.

The programs, and the oldest accepted versions of each, are in floors.toml. The version comes from the program itself, which runs in
a container without a network: labels and tags are only claims of the image's author.
"""

import json
import re
import subprocess
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from runtime.compose_file import ROOT, variables
from runtime.console import say
from runtime.docker.engine import version as numbers
from runtime.docker.replicas import NotHealthy
from runtime.docker.wanted import Wanted, image_id

ACCEPTED = "ACCEPT_VULNERABLE"
COMMANDS = {
    "nginx": ["nginx", "-v"],
    "postgresql": ["postgres", "--version"],
    "valkey": ["valkey-server", "--version"],
    "python": ["python", "--version"],
}
# By service: the program in its image or in its base image. All other services are built on Python's image.
PARTS = {"nginx": "nginx", "postgres": "postgresql", "valkey": "valkey", "pgbouncer": "postgresql"}
# By the name of a base image in compose.yaml: the program in it.
OF_BASE = {"python": "python", "nginx": "nginx", "postgres": "postgresql", "valkey": "valkey"}
SECONDS = 60
# Versions found so far, by image id: an image does not change.
KNOWN = ROOT / ".run" / "versions.json"


@dataclass(frozen=True)
class Part:
    """A program that Two Gates does not build, and its oldest accepted versions: one for each branch, the newest last."""

    title: str
    floors: list[str]
    advisory: str
    source: str

    def needed(self, found: str) -> str | None:
        """Return the required version if ``found`` is too old, otherwise ``None``."""
        for floor in self.floors:
            if numbers(floor)[:-1] == numbers(found)[:-1]:
                return floor if numbers(found) < numbers(floor) else None
        return None if numbers(found) > numbers(self.floors[-1]) else self.floors[-1]


@cache
def parts() -> dict[str, Part]:
    """Return the programs of floors.toml by name."""
    return {name: Part(**entry) for name, entry in tomllib.loads(Path(__file__).with_name("floors.toml").read_text()).items()}


def version_in(image: str, part: str) -> str | None:
    """Return a program's version in an image; ``None`` if the image is missing, or the program in it prints no version."""
    if not (one := image_id(image)):
        return None
    known: dict[str, str] = json.loads(KNOWN.read_text()) if KNOWN.is_file() else {}
    if one not in known:
        program, *arguments = COMMANDS[part]
        words = ["docker", "run", "--rm", "--network", "none", "--entrypoint", program, one, *arguments]
        done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS)
        found = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
        if done.returncode or not found:
            return None
        known[one] = found[0]
        KNOWN.parent.mkdir(exist_ok=True)
        KNOWN.write_text(json.dumps(known, indent=1))
    return known[one]


def below(services: Iterable[Wanted]) -> dict[str, str]:
    """Return the services' programs that are too old or of unknown version: a message for each key such as ``nginx=1.30.6``."""
    images: dict[str, list[str]] = {}
    for one in services:
        name = PARTS.get(one.name, "python")
        images.setdefault(f"{name}={version_in(one.image, name) or 'unknown'}", []).append(one.image)
    found: dict[str, str] = {}
    for pair, those in images.items():
        name, _, version = pair.partition("=")
        part, where = parts()[name], ", ".join(dict.fromkeys(those))
        if version == "unknown":
            found[pair] = f"{part.title} in {where}: its version cannot be found"
        elif needed := part.needed(version):
            found[pair] = sentence(name, version, needed, where)
    return found


def on_this_machine(name: str, version: str, where: str) -> dict[str, str]:
    """Return the same for a program outside a container; empty if it is new enough."""
    needed = parts()[name].needed(version)
    return {f"{name}={version}": sentence(name, version, needed, where)} if needed else {}


def sentence(name: str, version: str, needed: str, where: str) -> str:
    """Return a message that says what is wrong with a program, and which advisory says so."""
    part = parts()[name]
    return f"{part.title} {version}, for {part.advisory}; {needed} is needed: {part.source} ({where})"


def require(found: Mapping[str, str], cure: str = "Bring it up to date: make update") -> None:
    """Raise ``NotHealthy`` unless ``ACCEPT_VULNERABLE`` names every program found too old; print those that it accepts."""
    accepted = variables().get(ACCEPTED, "").split()
    if refused := [sentence for pair, sentence in found.items() if pair not in accepted]:
        listed = "\n  - ".join(["Refused, since it is known to be vulnerable:", *refused])
        raise NotHealthy(f'{listed}\n{cure}. Or, at your own risk, in .env: {ACCEPTED}="{" ".join(found)}"')
    for sentence in found.values():
        say(f"Known to be vulnerable, and accepted by {ACCEPTED}: {sentence}")

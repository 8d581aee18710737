"""Whether an image holds a part that is known to be vulnerable: production does not start with one.

The parts, and the oldest version of each, are in floors.toml. A version is asked of the program itself, in a container without a network:
labels and tags say what somebody wrote there.
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
# By service, what its image is or is built on; all others are built on Python's.
PARTS = {"nginx": "nginx", "postgres": "postgresql", "valkey": "valkey", "pgbouncer": "postgresql"}
# By the name of a base image in compose.yaml.
OF_BASE = {"python": "python", "nginx": "nginx", "postgres": "postgresql", "valkey": "valkey"}
SECONDS = 60
# What images answered, by their ids: an image does not change.
KNOWN = ROOT / ".run" / "versions.json"


@dataclass(frozen=True)
class Part:
    """A program that Two Gates does not build, and its oldest versions, a branch each, the newest last."""

    title: str
    floors: list[str]
    advisory: str
    source: str

    def needed(self, found: str) -> str | None:
        """The version that is needed where the one that was found is too old."""
        for floor in self.floors:
            if numbers(floor)[:-1] == numbers(found)[:-1]:
                return floor if numbers(found) < numbers(floor) else None
        return None if numbers(found) > numbers(self.floors[-1]) else self.floors[-1]


@cache
def parts() -> dict[str, Part]:
    """Those of floors.toml."""
    return {name: Part(**entry) for name, entry in tomllib.loads(Path(__file__).with_name("floors.toml").read_text()).items()}


def version_in(image: str, part: str) -> str | None:
    """The version of a part in an image; ``None`` where there is no such image, or no such program in it."""
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
    """The parts of services that are too old, or whose version cannot be found: a sentence by ``nginx=1.30.6``."""
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
    """The same of a program that is no container's: nothing where it is new enough."""
    needed = parts()[name].needed(version)
    return {f"{name}={version}": sentence(name, version, needed, where)} if needed else {}


def sentence(name: str, version: str, needed: str, where: str) -> str:
    """What is wrong with a part, and who says so."""
    part = parts()[name]
    return f"{part.title} {version}, for {part.advisory}; {needed} is needed: {part.source} ({where})"


def require(found: Mapping[str, str], cure: str = "Bring it up to date: make update") -> None:
    """Raise ``NotHealthy`` where ``ACCEPT_VULNERABLE`` does not name all parts that were found too old; say so where it does."""
    accepted = variables().get(ACCEPTED, "").split()
    if refused := [sentence for pair, sentence in found.items() if pair not in accepted]:
        listed = "\n  - ".join(["Refused, since it is known to be vulnerable:", *refused])
        raise NotHealthy(f'{listed}\n{cure}. Or, at your own risk, in .env: {ACCEPTED}="{" ".join(found)}"')
    for sentence in found.values():
        say(f"Known to be vulnerable, and accepted by {ACCEPTED}: {sentence}")

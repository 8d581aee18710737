"""Compare the licences that pip-licenses reads from the packages' metadata with what policy.toml allows."""

import json
import re
import subprocess
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev.audit.subjects import canonical
from runtime import venv
from runtime.compose_file import ROOT

POLICY = ROOT / "dev" / "audit" / "policy.toml"
# From the most to the least precise: an SPDX expression, a PyPI classifier, the author's free text.
SOURCES = ("License-Expression", "License-Classifier", "License-Metadata")
LONGEST = 100  # characters: free text may be the whole licence


@dataclass(frozen=True)
class Policy:
    """The allowed licences, and the exceptions with their reasons."""

    shipped: frozenset[str]
    run_here: frozenset[str]
    exceptions: Mapping[str, Mapping[str, str]]  # package name: its licence and the reason
    ignored: Mapping[str, str]  # a vulnerability's identifier: the reason


@dataclass(frozen=True)
class Licence:
    """One package's licence, and whether it is allowed."""

    package: str
    version: str
    licence: str
    allowed: bool
    reason: str  # why an exception allows it, or why it is not allowed


def read_policy(path: Path = POLICY) -> Policy:
    """Read policy.toml. Raise ``ValueError`` with the problem if an exception or an ignored vulnerability is incomplete."""
    document: dict[str, Any] = tomllib.loads(path.read_text())
    licences = document["licences"]
    for package, exception in licences["exceptions"].items():
        if set(exception) != {"licence", "reason"} or not all(exception.values()):
            raise ValueError(f"{path.name}: the exception for {package} needs a licence and a reason")
    for identifier, reason in document["vulnerabilities"]["ignored"].items():
        if not reason:
            raise ValueError(f"{path.name}: {identifier} is ignored without a reason")
    shipped = {word for words in licences["shipped"].values() for word in words}
    run_here = {word for words in licences["run_here"].values() for word in words}
    return Policy(frozenset(shipped), frozenset(shipped | run_here), licences["exceptions"], document["vulnerabilities"]["ignored"])


def read_licences(python: Path) -> list[tuple[str, str, str]]:
    """Return name, version and licence of each package in an environment; ``UNKNOWN`` if its metadata names no licence."""
    command = [venv.tool("audit"), "-m", "piplicenses", "--python", str(python)]  # type: ignore[no-untyped-call]
    options = ["--from=all", "--format=json", "--with-system"]
    done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, check=True)
    found = []
    for row in json.loads(done.stdout):
        told = [row[source] for source in SOURCES if row[source] not in ("UNKNOWN", "")]
        licence = " ".join((told or ["UNKNOWN"])[0].split())
        found.append((canonical(row["Name"]), row["Version"], licence[:LONGEST]))
    return sorted(found)


def judge(package: str, version: str, licence: str, shipped: bool, policy: Policy) -> Licence:
    """Decide whether a package may be shipped, or run here."""
    exception = policy.exceptions.get(package)
    if exception and exception["licence"] == licence:
        return Licence(package, version, licence, True, exception["reason"])
    if holds(licence, policy.shipped if shipped else policy.run_here):
        return Licence(package, version, licence, True, "")
    where = "shipped in an image" if shipped else "run here"
    why = "its metadata names no licence" if licence == "UNKNOWN" else f"policy.toml does not allow {licence!r} to be {where}"
    if exception:
        why += f", and its exception is for {exception['licence']!r}"
    return Licence(package, version, licence, False, why)


def holds(licence: str, allowed: frozenset[str]) -> bool:
    """Whether the allowed licences satisfy an SPDX expression, or PyPI classifiers separated by semicolons.

    One allowed side of OR is enough; AND and a list need all. An expression with brackets needs all, which may be too strict.
    """
    if licence in allowed:
        return True
    if ";" in licence:
        return all(holds(part.strip(), allowed) for part in licence.split(";"))
    if "(" not in licence and " OR " in licence:
        return any(holds(part.strip(), allowed) for part in licence.split(" OR "))
    parts = [part.strip() for part in re.split(r" AND | OR |[()]", licence) if part.strip()]
    return len(parts) > 1 and all(part in allowed for part in parts)

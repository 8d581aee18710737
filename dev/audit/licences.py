"""Licences, as pip-licenses reads them from the packages' metadata, against what policy.toml allows."""

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
# From the clearest to the vaguest: an SPDX expression, a word of PyPI's list, the author's free text.
SOURCES = ("License-Expression", "License-Classifier", "License-Metadata")
LONGEST = 100  # free text may be the licence itself


@dataclass(frozen=True)
class Policy:
    """What is allowed, and what is let through with a reason."""

    shipped: frozenset[str]
    run_here: frozenset[str]
    exceptions: Mapping[str, Mapping[str, str]]  # package: its licence and the reason
    ignored: Mapping[str, str]  # a vulnerability's identifier, and the reason


@dataclass(frozen=True)
class Licence:
    """One package's licence, judged."""

    package: str
    version: str
    licence: str
    allowed: bool
    reason: str  # of an exception, or of a refusal


def read_policy(path: Path = POLICY) -> Policy:
    """Read policy.toml. A file that is not of its form raises ``ValueError`` with what is wrong."""
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
    """Name, version and licence of each package in an environment; ``UNKNOWN`` where its metadata has none."""
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
    """Whether a package may be shipped, or run here."""
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
    """Whether an SPDX expression, or PyPI's words with semicolons between, can be met by what is allowed.

    One side of OR is enough; of AND and of a list both are needed. In brackets all are needed, which may be too strict.
    """
    if licence in allowed:
        return True
    if ";" in licence:
        return all(holds(part.strip(), allowed) for part in licence.split(";"))
    if "(" not in licence and " OR " in licence:
        return any(holds(part.strip(), allowed) for part in licence.split(" OR "))
    parts = [part.strip() for part in re.split(r" AND | OR |[()]", licence) if part.strip()]
    return len(parts) > 1 and all(part in allowed for part in parts)

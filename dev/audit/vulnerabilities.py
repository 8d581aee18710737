"""Find known vulnerabilities with pip-audit, which asks a database about each package and version."""

import json
import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field

from runtime import environment, venv
from runtime.compose_file import ROOT

# pip-audit also succeeds if the database knows no package at all, for example behind a proxy that forwards only the package index. A
# database that does not know this vulnerability (CVE-2019-10906) therefore counts as unavailable.
CANARY = ("jinja2", "2.10")
SECONDS = 600


@dataclass(frozen=True)
class Vulnerability:
    """A known vulnerability of a package that is installed."""

    package: str
    version: str
    identifier: str
    aliases: tuple[str, ...]
    fixed_in: tuple[str, ...]
    description: str


@dataclass(frozen=True)
class Database:
    """A database that pip-audit can ask."""

    name: str
    options: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """The databases' answer."""

    database: str = ""  # the database that answered; empty if none did
    found: list[Vulnerability] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)  # one sentence for each reason


def databases(osv_url: str | None) -> list[Database]:
    """Return only the database that was given, otherwise PyPI's and then OSV's own."""
    if osv_url:
        return [Database(osv_url, ("--vulnerability-service", "osv", "--osv-url", osv_url))]
    return [Database("PyPI", ("--vulnerability-service", "pypi")), Database("OSV", ("--vulnerability-service", "osv"))]


def check(packages: set[tuple[str, str]], osv_url: str | None, ignored: Mapping[str, str]) -> Answer:
    """Ask the first database that knows the canary. ``ignored`` has identifiers, each with a reason."""
    reasons = []
    for database in databases(osv_url):
        try:
            [canary] = ask(database, [CANARY])
            if not canary.get("vulns"):
                raise NotAnswered(f"it does not know the vulnerability of {CANARY[0]} {CANARY[1]}, so it would find no other")
            answers = ask(database, sorted(packages))
        except NotAnswered as error:
            reasons.append(f"the database {database.name} gives no answer here: {error}")
            continue
        skipped = [f"{answer['name']}: {answer['skip_reason']}" for answer in answers if "skip_reason" in answer]
        return Answer(database.name, [one for answer in answers for one in vulnerabilities(answer, ignored)], skipped)
    return Answer(not_checked=reasons)


def vulnerabilities(answer: dict[str, object], ignored: Mapping[str, str]) -> list[Vulnerability]:
    """Return the vulnerabilities of one package, without the ignored ones."""
    found = []
    for one in answer.get("vulns", []):  # type: ignore[attr-defined]
        names = {one["id"], *one["aliases"]}
        if not names & ignored.keys():
            made = Vulnerability(
                package=str(answer["name"]),
                version=str(answer["version"]),
                identifier=one["id"],
                aliases=tuple(one["aliases"]),
                fixed_in=tuple(one["fix_versions"]),
                description=" ".join(one["description"].split()),
            )
            found.append(made)
    return found


class NotAnswered(Exception):
    """The database gave no usable answer; the message says why."""


def ask(database: Database, packages: list[tuple[str, str]]) -> list[dict[str, object]]:
    """Return the database's answer for each package."""
    rounds: list[dict[str, str]] = []  # pip-audit takes one version of a package at a time
    for name, version in packages:
        for versions in rounds:
            if versions.setdefault(name, version) == version:
                break
        else:
            rounds.append({name: version})
    return [answer for versions in rounds for answer in run(database, versions)]


def run(database: Database, versions: Mapping[str, str]) -> list[dict[str, object]]:
    """Run pip-audit once."""
    command = [venv.tool("audit"), "-m", "pip_audit", *database.options]  # type: ignore[no-untyped-call]
    command += ["--disable-pip", "--no-deps", "--format", "json", "--progress-spinner", "off"]
    command += ["--cache-dir", str(ROOT / ".cache" / "pip-audit")]
    with tempfile.NamedTemporaryFile("w", dir=ROOT / ".run", suffix=".txt") as file:
        file.writelines(f"{name}=={version}\n" for name, version in versions.items())
        file.flush()
        command += ["--requirement", file.name]
        try:
            done = subprocess.run(command, cwd=ROOT, env=environment.for_network(), capture_output=True, text=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            raise NotAnswered(f"not within {SECONDS} seconds") from None
    try:
        answers: list[dict[str, object]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        lines = done.stderr.strip().splitlines() or [f"pip-audit ended with status {done.returncode}"]
        unknown_host = re.search(r"Failed to resolve '([^']+)'", lines[-1])
        raise NotAnswered(f"no address is known for {unknown_host[1]}" if unknown_host else lines[-1][-300:]) from None
    return answers

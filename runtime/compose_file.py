"""compose.yaml as data, with the values of the environment and .env substituted: the stack's only source of defaults.

Any Python can read the variables and their defaults; the other functions need packages.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime import env_file, given_file
from runtime.messages import fail

ROOT = Path(__file__).resolve().parent.parent
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::?-(?P<default>[^}]*))?\}")


@dataclass(frozen=True)
class Service:
    """One service of compose.yaml, with the fields that a runtime without Docker needs."""

    name: str
    folder: Path | None  # of its Dockerfile; None for a third-party image
    command: list[str]
    environment: dict[str, str]
    replicas: int
    cpus: float
    stop_seconds: int
    ports: list[str]
    profiles: list[str]
    ends: bool  # a job: it does one task before the others start, and serves nothing
    listens: bool  # it has a port
    needs: set[str]  # the services that it waits for


def variables(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables of .env, overridden by the environment, as Compose does. An empty value counts as unset."""
    given = {**env_file.read(ROOT / ".env"), **(os.environ if environ is None else environ)}
    return {name: value for name, value in given.items() if value}


def substitute(value: Any, given: Mapping[str, str]) -> Any:
    """Replace every ``${NAME:-default}`` below ``value`` with its value in ``given``, or with the default."""
    if isinstance(value, dict):
        return {key: substitute(inner, given) for key, inner in value.items()}
    if isinstance(value, list):
        return [substitute(inner, given) for inner in value]
    if isinstance(value, str):
        return VARIABLE.sub(lambda found: given.get(found["name"]) or found["default"] or "", value)
    return value


def defaults() -> dict[str, str]:
    """Return every variable of compose.yaml and of its override files, with its default."""
    files = [*sorted(ROOT.glob("compose.*.yaml")), ROOT / "compose.yaml"]  # the last default wins
    return {found["name"]: found["default"] for path in files for found in VARIABLE.finditer(given_file.text(path))}


def project() -> str:
    """Return the project name of the stack in Compose."""
    text = given_file.text(ROOT / "compose.yaml")
    return variables().get("COMPOSE_PROJECT_NAME") or next(line.split()[1] for line in text.splitlines() if line.startswith("name:"))


def load(environ: Mapping[str, str] | None = None) -> tuple[dict[str, Service], dict[str, Any]]:
    """Return the services by name, and the whole document. If PROFILE is production, its override file is merged in."""
    import yaml

    given = variables(environ)
    document = parsed(ROOT / "compose.yaml")
    if given.get("PROFILE") == "production":
        # Compose's tag for a value that an override file removes. No code outside this project uses the safe loader in this process.
        yaml.SafeLoader.add_constructor("!reset", lambda *_: None)
        document = laid_over(document, parsed(ROOT / "compose.production.yaml"))
    document = substitute(document, given)
    entries = document["services"]
    folders = {entry["image"]: ROOT / entry["build"]["context"] for entry in entries.values() if "build" in entry}
    return {name: read_service(name, entry, folders.get(entry["image"])) for name, entry in entries.items()}, document


def parsed(path: Path) -> Any:
    """Return the content of a YAML file. Invalid YAML ends the program."""
    import yaml

    try:
        return yaml.safe_load(given_file.text(path))
    except yaml.YAMLError as error:
        fail(f"{path} is not YAML:\n{error}")


def laid_over(base: Any, over: Any) -> Any:
    """Merge one file over another as Compose does: mappings are merged, lists are joined, and otherwise the second value wins."""
    if isinstance(base, dict) and isinstance(over, dict):
        return {**base, **{key: laid_over(base[key], value) if key in base else value for key, value in over.items()}}
    return [*base, *over] if isinstance(base, list) and isinstance(over, list) else over


def read_service(name: str, entry: dict[str, Any], folder: Path | None) -> Service:
    """Return one entry below ``services``. ``folder`` is its image's build folder: one service builds the image, others may use it."""
    deploy = entry.get("deploy", {})
    environment = {key: str(value) for key, value in entry.get("environment", {}).items()}
    ends = entry.get("restart") == "no"
    return Service(
        name=name,
        folder=folder,
        command=entry.get("command") or (command_of(folder) if folder else []),
        environment=environment,
        replicas=int(deploy.get("replicas", 1)),
        cpus=float(deploy["resources"]["limits"]["cpus"]),
        stop_seconds=int(entry.get("stop_grace_period", "10s").removesuffix("s")),
        ports=entry.get("ports", []),
        profiles=entry.get("profiles", []),
        ends=ends,
        listens=bool(environment.get("PORT")) and not ends,
        needs=set(entry.get("depends_on", ())),
    )


def command_of(folder: Path) -> list[str]:
    """Return the command of a Dockerfile."""
    return re.findall(r'"([^"]+)"', (folder / "Dockerfile").read_text().rsplit("CMD ", 1)[1])

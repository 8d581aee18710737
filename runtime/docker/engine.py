"""Check whether this user has a Docker engine and a Compose new enough for compose.yaml, and say what to do if not."""

import re
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from runtime.checkout import ROOT

# healthcheck.start_interval needs the engine's API 1.44, and the first Compose that passes this setting on.
OLDEST_ENGINE, OLDEST_COMPOSE = (25, 0), (2, 24, 1)
# Before 28.0, other machines on the same link could reach a port published on 127.0.0.1, and every container of an internal network could
# reach the host at the network's gateway. Development accepts older engines.
OLDEST_IN_PRODUCTION = (28, 0)
SECONDS = 10
LABEL = "com.docker.compose.project"
PROJECTS = ROOT / ".run" / "docker-projects"


@dataclass(frozen=True)
class Engine:
    """The result of the check. ``trouble`` says briefly why Docker cannot be used, and ``fix`` what to do. Both are empty if it can."""

    trouble: str = ""
    fix: str = ""
    engine: str = ""
    compose: str = ""


@cache
def look() -> Engine:
    """Ask the engine and Compose for their versions."""
    status, printed = ask("docker", "version", "--format", "{{.Server.Version}}")
    if status is None:
        return Engine("there is no docker command here", "Install Docker Engine with Compose: https://docs.docker.com/engine/install/")
    if status:
        return Engine(*refusal(printed))
    engine = printed.splitlines()[-1]
    status, printed = ask("docker", "compose", "version", "--short")
    if status:
        return Engine("this docker has no Compose", "Install its plugin: https://docs.docker.com/compose/install/", engine)
    compose = printed.splitlines()[-1].removeprefix("v")
    for name, found, oldest in (("engine", engine, OLDEST_ENGINE), ("Compose", compose, OLDEST_COMPOSE)):
        if version(found) < oldest:
            needed = dotted(oldest)
            return Engine(f"Docker {name} {found} is older than {needed}", f"Update it to {needed} or newer", engine, compose)
    return Engine(engine=engine, compose=compose)


def refusal(printed: str) -> tuple[str, str]:
    """Return why the Docker client got no answer, and what to do."""
    if "permission denied" in printed.lower():
        return (
            "this user may not use the Docker engine",
            "sudo usermod -aG docker $USER, and log in anew (who may use it is as good as root)",
        )
    if "silent" in printed:
        return f"the Docker engine does not answer within {SECONDS} seconds", "Restart it: sudo systemctl restart docker"
    return "no Docker engine answers", "Start it: sudo systemctl start docker, or Docker Desktop; or unset DOCKER_HOST and DOCKER_CONTEXT"


def elsewhere(project: str, here: Path) -> str | None:
    """Return another checkout that has containers under this project's name. Compose tells stacks apart by that name alone.

    Ignores a checkout that no longer exists: it has been moved, and may be this one.
    """
    shown = f'{{{{.Label "{LABEL}.working_dir"}}}}'
    _, printed = ask("docker", "ps", "--all", "--filter", f"label={LABEL}={project}", "--format", shown)
    return min((line for line in printed.splitlines() if line.startswith("/") and line != str(here) and Path(line).is_dir()), default=None)


def made() -> list[str]:
    """Return the projects that this checkout has started, as ``remember`` recorded them."""
    return PROJECTS.read_text().split() if PROJECTS.is_file() else []


def remember(project: str) -> None:
    """Record that this checkout starts a project. make clean removes only recorded ones: other projects may have the same name."""
    PROJECTS.parent.mkdir(exist_ok=True)
    PROJECTS.write_text("\n".join(dict.fromkeys([*made(), project])))


def ask(*command: str) -> tuple[int | None, str]:
    """Run a command and return its status and output. The status is ``None`` if the command does not exist."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return 1, "silent"
    except OSError:
        return None, ""
    printed = (done.stdout if done.returncode == 0 else done.stdout + done.stderr).strip()
    return (done.returncode, printed) if printed else (done.returncode or 1, "it printed nothing")


def version(text: str) -> tuple[int, ...]:
    """Return the numbers that a version begins with."""
    found = re.match(r"\d+(\.\d+)*", text)
    return tuple(map(int, found[0].split("."))) if found else ()


def dotted(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))

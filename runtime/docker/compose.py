"""Run Docker Compose at the top of the checkout, with the files that the settings select."""

import os
import re
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from runtime.compose_file import ROOT, variables
from runtime.environment import for_network
from runtime.messages import fail

PRODUCTION = "compose.production.yaml"
# The file that a variable with this value lays over compose.yaml. COMPOSE_FILE, Compose's own variable, overrides all of them.
POOLER = "compose.pgbouncer.yaml"
OVERRIDES = {"PROFILE": ("production", PRODUCTION), "HTTP3": ("on", "compose.http3.yaml"), "PGBOUNCER": ("on", POOLER)}


def files(given: Mapping[str, str] | None = None) -> list[str]:
    """Return the Compose files that the settings select."""
    given = variables() if given is None else given
    if "COMPOSE_FILE" in given:
        return given["COMPOSE_FILE"].split(os.pathsep)
    return ["compose.yaml", *(file for name, (value, file) in OVERRIDES.items() if given.get(name) == value)]


def compose(*arguments: str, quiet: bool = False, given: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run ``docker compose``. ``quiet`` captures the output in the result, and ``given`` is the standard input."""
    environment = {**for_network(), "COMPOSE_FILE": os.pathsep.join(files())}
    return subprocess.run(["docker", "compose", *arguments], cwd=ROOT, env=environment, text=True, capture_output=quiet, input=given)


def build(*more: str, services: Sequence[str] = (), tell: Callable[[str], None]) -> str | None:
    """Build the changed images of all services or of some, and report progress to ``tell``. Return the last output lines on failure."""
    environment = {**for_network(), "COMPOSE_FILE": os.pathsep.join(files())}
    command = ["docker", "compose", *more, "--progress", "plain", "build", *services]
    last: deque[str] = deque(maxlen=100)
    with subprocess.Popen(command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as building:
        for line in building.stdout or ():
            last.append(line)
            if found := re.match(r"#\d+ \[(\S+) .*?(\d+)/(\d+)\]", line):
                tell(f"{found[1]}: step {found[2]} of {found[3]}")
    return "".join(last) if building.returncode else None


def docker(*words: str, **variables: str) -> str:
    """Return the output of a docker command. If it fails, exit with the end of its error output."""
    done = subprocess.run(["docker", *words], cwd=ROOT, env={**for_network(), **variables}, capture_output=True, text=True)
    if done.returncode:
        fail(f"docker {' '.join(words[:3])} failed:\n{done.stderr.strip()[-2000:]}")
    return done.stdout.strip()


def without_progress(printed: str) -> str:
    """Return the last 20 lines of Compose's output, without its progress lines."""
    lines = [line for line in printed.splitlines() if not re.match(r"\s*(Container|Network|Volume|Image) \S+\s+\w+$", line)]
    return "\n".join(lines[-20:])

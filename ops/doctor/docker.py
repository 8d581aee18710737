"""Check Docker Engine, Compose and the base images, without a pull."""

import re
import subprocess

from ops.doctor.finding import DOCKER, Finding
from runtime.compose_file import ROOT, project, substitute, variables
from runtime.docker import engine as docker_engine
from runtime.docker.engine import OLDEST_COMPOSE, OLDEST_ENGINE, dotted
from runtime.environment import for_network

SECONDS = 15
WITHOUT = "; without it the stack runs as local processes, and chaos and deploy do not run"


def findings() -> list[Finding]:
    """Check the engine; if it answers, also the images and the project name."""
    found = docker_engine.look()
    needed = f"engine {dotted(OLDEST_ENGINE)} and Compose {dotted(OLDEST_COMPOSE)}, or newer"
    if found.trouble:
        return [Finding("Docker", found.trouble, needed, found.fix + WITHOUT, [DOCKER])]
    return [Finding("Docker", f"engine {found.engine}, Compose {found.compose}", needed), images(), name()]


def images() -> Finding:
    """Check that each base image of compose.yaml is here or that a registry offers it."""
    block = (ROOT / "compose.yaml").read_text().partition("x-images:\n")[2].partition("\n\n")[0]
    wanted = [substitute(image, variables()) for image in re.findall(r"^  \w+: &\S+ (\S+)$", block, re.MULTILINE)]
    missing = [image for image in wanted if not fine("image", "inspect", image)]
    needed = ", ".join(wanted)
    if not missing:
        return Finding("base images", "all here", needed)
    if unreachable := next((image for image in missing if not fine("manifest", "inspect", image)), None):
        fix = f"Check the way to the registry: docker pull {unreachable}. Or bring them from another machine: docker save, docker load"
        return Finding("base images", f"{unreachable} is not here, and no registry answers for it", needed, fix, [DOCKER])
    return Finding("base images", f"to be pulled at the first start: {', '.join(missing)}", needed)


def name() -> Finding:
    """Check the project name. Two checkouts have the same name unless the operator changes one."""
    other = docker_engine.elsewhere(project(), ROOT)
    needed = "no other checkout that runs under the same name"
    if other is None:
        return Finding("project name", project(), needed)
    fix = "Stop that one, or name this one: COMPOSE_PROJECT_NAME=another in .env, with other ports"
    return Finding("project name", f"{project()}, as which {other} runs", needed, fix, [DOCKER])


def fine(*words: str) -> bool:
    """Whether a docker command succeeds within the time limit."""
    try:
        return subprocess.run(["docker", *words], env=for_network(), capture_output=True, timeout=SECONDS).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False

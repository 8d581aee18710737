"""Bring a running Docker stack to what its files define. make up replaces containers with the care of make deploy."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from runtime.compose_file import ROOT, project
from runtime.console import say
from runtime.docker import nginx as nginx_docker
from runtime.docker.compose import compose, without_progress
from runtime.docker.replicas import NotHealthy, remove, replicas, stop
from runtime.docker.rollout import BEHIND_NGINX, ORDER, migrate, replace
from runtime.docker.wanted import Wanted, outdated, resolved

# Single containers: a second one could not share the port or the data. The old one stops before the new one starts.
DATA = ("postgres", "valkey", "pgbouncer")
IN_PLACE = (*DATA, "nginx")
START_SECONDS = 120
MAJOR = "PG_MAJOR="  # in the environment of PostgreSQL's image


def serves(services: Mapping[str, Wanted]) -> bool:
    """Return whether the stack already serves: clients would notice if all containers were replaced at once."""
    return any(replica.address() for name in BEHIND_NGINX if name in services for replica in replicas(name))


def changed_in_place(services: Mapping[str, Wanted]) -> list[str]:
    """Return the single-container services that must be replaced, or that have no container."""
    return [name for name in IN_PLACE if name in services and (outdated(services[name]) or not replicas(name))]


def update(services: Mapping[str, Wanted], *, drain: bool, in_place: Sequence[str]) -> None:
    """Replace what changed, one service after another. Raises ``NotHealthy`` if the old containers had to stay.

    Services that do not run yet, and Nginx, are left to the start that follows.
    """
    if "nginx" in in_place and (wrong := nginx_docker.test()):
        raise NotHealthy(f"Nginx does not accept its configuration, and nothing was replaced:\n{wrong}")
    if data := [name for name in in_place if name in DATA]:
        replace_data(data, services)
    todo = {name: outdated(services[name]) for name in ORDER if name in services and replicas(name)}
    todo = {name: old for name, old in todo.items() if old or len(replicas(name)) != services[name].count}
    if todo:
        migrate()
    for name, old in todo.items():
        replace(services[name], old, drain=drain)


def replace_data(names: Sequence[str], services: Mapping[str, Wanted]) -> None:
    """Let Compose replace databases in place. If the new ones do not start, put the old ones back and raise ``NotHealthy``."""
    compose("pull", "--quiet", "--policy", "missing", "--ignore-buildable", *names, quiet=True)
    if "postgres" in names and (wrong := other_major(services["postgres"])):
        raise NotHealthy(wrong)
    say(f"Replacing {', '.join(names)}: the services wait for it ...")
    started = compose("up", "--detach", "--no-deps", "--no-build", "--wait", "--wait-timeout", str(START_SECONDS), *names, quiet=True)
    if started.returncode:
        why = troubles(names) or without_progress(started.stderr)
        raise NotHealthy(f"{', '.join(names)} did not start as asked for. {put_back(names)}.\n{why}")


def other_major(one: Wanted) -> str | None:
    """Return a message if the wanted image is of another major version than the database's files, and would not start with them."""
    words = ["docker", "image", "inspect", "--format", "{{range .Config.Env}}{{println .}}{{end}}", one.image]
    printed = subprocess.run(words, capture_output=True, text=True).stdout.split()
    new = next((line for line in printed if line.startswith(MAJOR)), None)
    for replica in replicas(one.name):
        old = next((line for line in replica.look()["Config"]["Env"] if line.startswith(MAJOR)), None)
        if old and new and old != new:
            return (
                f"The image {one.image} is PostgreSQL {new.removeprefix(MAJOR)}, and the data are of {old.removeprefix(MAJOR)}, which it "
                "cannot read. Go back to the old image; then make backup, an empty volume, the new image, make up, and make restore"
            )
    return None


def remove_unwell(services: Mapping[str, Wanted]) -> None:
    """Remove servers that have failed or are unhealthy. Compose would leave them unchanged, and report a failed start."""
    those = [one for name in services if not services[name].ends for one in replicas(name, ended=True) if one.trouble()]
    if those:
        say(f"Removing what is not well, to start it again: {', '.join(one.name for one in those)}")
        stop(those)


def troubles(names: Sequence[str]) -> str:
    """Return the containers of these services that have failed or are unhealthy, and the last lines of each."""
    found = [one for name in names for one in replicas(name, ended=True)]
    return "\n".join(f"{one.name} {trouble}:{one.last_words()}" for one in found if (trouble := one.trouble()))


def last_good() -> Path:
    """Return the path of the file with the definitions of the last successful start."""
    return ROOT / ".run" / f"{project()}.last-good.yaml"


def keep_as_good() -> None:
    """Save the definitions of what runs now. A definition that Compose has replaced is available nowhere else."""
    file = os.open(last_good(), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(file, "w") as written:
        written.write(resolved())


def put_back(names: Sequence[str]) -> str:
    """Restart containers by the definitions of the last successful start. Return a sentence on the result."""
    what = ", ".join(names)
    if not last_good().is_file():
        return f"What ran before cannot be started again by itself: {what} of an earlier version left no definition"
    remove([one for name in names for one in replicas(name, ended=True) if one.trouble()])
    words = ["--project-directory", str(ROOT), "--file", str(last_good()), "up", "--detach", "--no-deps", "--no-build", "--wait"]
    done = compose(*words, "--wait-timeout", str(START_SECONDS), *names, quiet=True)
    if done.returncode:
        return f"{what} as it was before did not start either: {without_progress(done.stderr)}"
    return f"{what} runs as before"

"""Check what the operator has to provide before anything starts: variables, secrets, the certificate, ports and disk space.

Needs no package, so that make doctor can use it too. Every message uses the names of docs/production.md.
"""

import errno
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from time import monotonic, sleep

from runtime import ports, venv
from runtime.checks.variables import wrong_variables
from runtime.compose_file import ROOT, defaults, project
from runtime.docker import engine as docker_engine
from runtime.messages import fail

KEYS, SHORTEST_KEY = ("django_secret_key", "example_token"), 50
# A random password of 20 characters cannot be guessed. A password typed by a person often repeats a few characters. The user lists are
# built from the passwords, and are not checked here.
SHORTEST_PASSWORD, FEWEST_CHARACTERS = 20, 8
CERTIFICATE, KEY = "fullchain.pem", "privkey.pem"
# Docker's build writes some hundred MB for an image whose packages changed. With less, PostgreSQL may run out of disk space.
DISK_MB = 500
SECONDS = 30
# The longest time that a port may belong to a container that Docker is just starting or stopping.
SETTLE_SECONDS = 3.0
DOCKER_PROXY = "docker-proxy"


def check(given: Mapping[str, str], starts: bool) -> None:
    """Exit with one list of all faults. ``starts`` is true if the ports are needed too."""
    wrong = [*wrong_variables(given)]
    if production := given.get("PROFILE") == "production" and given.get("RUNTIME") != "local":
        wrong += [*old_engine(), *wrong_secrets(given), *wrong_certificate(given), *little_disk()]
    if production and starts and not any(re.match(r"BIND|HTTPS?_PORT|COMPOSE", sentence) for sentence in wrong):
        wrong += wrong_ports(given)
    if wrong:
        fail("\n  - ".join([f"Before anything starts, {len(wrong)} things have to be mended:", *wrong]) if len(wrong) > 1 else wrong[0], 2)


def old_engine() -> Iterator[str]:
    """Report a Docker engine whose networks do not isolate as production requires."""
    found, oldest = docker_engine.look(), docker_engine.OLDEST_IN_PRODUCTION
    if found.engine and docker_engine.version(found.engine) < oldest:
        needed = docker_engine.dotted(oldest)
        yield (
            f"Docker engine {found.engine} is older than {needed}, which production needs: with it, services reach this host at the "
            f"gateway of their networks, and machines on the same link reach ports on 127.0.0.1. Update it to {needed} or newer"
        )


def wrong_secrets(given: Mapping[str, str]) -> Iterator[str]:
    """Report secrets that are missing, empty or too weak, and a secrets folder that is open to other users."""
    folder = ROOT / (given.get("SECRETS") or defaults()["SECRETS"])
    names = re.findall(r"file: \$\{SECRETS:-[^}]*\}/(\w+)", (ROOT / "compose.yaml").read_text())
    try:
        texts = {name: (folder / name).read_text(errors="replace").strip() for name in names if (folder / name).is_file()}
    except OSError as error:
        yield f"{shown(Path(error.filename))} cannot be read ({error.strerror}). Own the folder SECRETS, and again: make secrets"
        return
    if missing := [name for name in names if name not in texts]:
        word = "All secrets are" if missing == names else f"The secret{'s' * (len(missing) > 1)} {', '.join(missing)} {be(missing)}"
        yield f"{word} missing in {shown(folder)}. Make them with: make secrets"
    if empty := [name for name, text in texts.items() if not text]:
        yield f"The secret{'s' * (len(empty) > 1)} {', '.join(empty)} in {shown(folder)} {be(empty)} empty. Remove, then: make secrets"
    for name, text in texts.items():
        shortest = SHORTEST_KEY if name in KEYS else SHORTEST_PASSWORD if name.endswith("_password") else 0
        if 0 < len(text) < shortest:
            yield f"The secret {name} has fewer than {shortest} characters. Remove its file, then: make secrets"
        elif shortest and 0 < len(set(text)) < FEWEST_CHARACTERS:
            yield f"The secret {name} has fewer than {FEWEST_CHARACTERS} different characters. Remove its file, then: make secrets"
    # The containers' users must read the files, so the files are readable for all. The folder's mode keeps other users out.
    if texts and (others := folder.stat().st_mode & 0o077):
        yield f"The folder {shown(folder)} is open to others (mode {others:03o} of them); accepted: chmod 700 {shown(folder)}"


def wrong_certificate(given: Mapping[str, str]) -> Iterator[str]:
    """Run the check of the job `certificates` here, as the operator, so that the stack need not start for it."""
    folder = ROOT / (given.get("TLS_CERTIFICATES") or defaults()["TLS_CERTIFICATES"])
    step = "Step 4 of docs/production.md puts it there"
    if missing := [name for name in (CERTIFICATE, KEY) if not present(folder / name)]:
        yield f"The certificate: {' and '.join(missing)} {be(missing)} missing in {shown(folder)} (TLS_CERTIFICATES). {step}"
    if not given.get("SERVER_NAMES"):
        yield "SERVER_NAMES is not set; accepted: the names that clients use, such as www.example.org"
        return
    if CERTIFICATE in missing:
        return
    # The same program as in the container, so that both checks agree.
    environment = {"PROFILE": "production", "SERVER_NAMES": given["SERVER_NAMES"], "TLS_FOLDER": str(folder)}
    environment |= {"PYTHONPATH": str(ROOT / "services" / "shared"), "PATH": os.environ.get("PATH", os.defpath)}
    python = sys.executable if find_spec("cryptography") else str(venv.PYTHON)  # make doctor runs without packages
    if not Path(python).exists():
        return
    done = subprocess.run(
        [python, "-B", "app.py"],
        cwd=ROOT / "services" / "certificates",
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    for line in done.stderr.splitlines():
        # Often only UID 101, Nginx's user, may read the key. The job checks the key again, as that user.
        if line.startswith("twogates: ") and f"{KEY} cannot be read" not in line:
            yield f"The certificate: {line.removeprefix('twogates: ').replace(str(folder), shown(folder))}"


def wrong_ports(given: Mapping[str, str]) -> Iterator[str]:
    """Report ports that the engine cannot publish because something other than this stack's Nginx holds them."""
    values = {**defaults(), **given}
    for name in ("HTTP_PORT", "HTTPS_PORT"):
        if sentence := taken(values["BIND"], int(values[name]), name):
            yield sentence


def taken(bind: str, port: int, variable: str) -> str | None:
    """Return a message if Docker cannot publish a port for this stack, otherwise ``None``."""
    deadline = monotonic() + SETTLE_SECONDS
    while error := ports.why_not(bind, port):
        holder = ports.holder(port)
        if holder and holder.project == project():
            return None
        if error.errno == errno.EACCES and holder is None:  # a port below 1024: forbidden to this user, but not to the engine
            return None
        # A container in a restart loop: Docker's proxy listens before Docker lists the port, or has ended since.
        if monotonic() > deadline or (holder and holder.name != DOCKER_PROXY):
            return ports.sentence(bind, port, variable)
        sleep(0.1)
    return None


def little_disk() -> Iterator[str]:
    """Report low disk space in the folders that fill up: the checkout, and Docker's if it is on this machine."""
    for folder, what in ((ROOT, "the checkout is"), (Path("/var/lib/docker"), "Docker keeps images and data")):
        try:
            free = shutil.disk_usage(folder).free // 10**6
        except OSError:
            continue
        if free < DISK_MB:
            yield f"{free} MB of disk are free where {what} ({folder}), and {DISK_MB} are needed. See: docker system df"
            return


def present(path: Path) -> bool:
    """Return whether a file exists. In a folder closed to this user, assume that it does: the job `certificates` checks it."""
    try:
        return path.is_file()
    except PermissionError:
        return True


def be(names: list[str]) -> str:
    return "are" if len(names) > 1 else "is"


def shown(path: Path) -> str:
    """Return a path as the operator would type it in the checkout."""
    return str(path.resolve().relative_to(ROOT)) if path.resolve().is_relative_to(ROOT) else str(path)

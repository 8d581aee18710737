"""Compose the environment of every process of this project. What the caller's shell sets for other programs does not reach it.

Importing ``runtime`` composes this process's own environment, which its children inherit. ``for_servers`` has less: what a
machine needs, and no setting. ``for_network`` has more: proxies and certificates, for programs that fetch packages and images.

A variable that matches no list here is dropped. docs/development.md says which rule a new variable follows.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Variables with the project's prefix reach every process. Those with the second prefix are the caller's, set aside for ``for_network``.
OURS = "TWOGATES_"
SET_ASIDE = f"{OURS}NETWORK_"

# What any program needs to run on this machine, including the library paths that Nix, conda and others set for their Python.
MACHINE = re.compile(r"PATH|HOME|USER|LOGNAME|SHELL|TMPDIR|LD_LIBRARY_PATH|DYLD_\w+|NIX_LD\w*|LOCALE_ARCHIVE")
# What interactive programs need in addition: the terminal, version managers behind the name python3, and the Docker client, which may
# reach its engine over SSH and ask other programs for passwords. DOCKER_BUILDKIT is left out: this project's images need BuildKit.
PERSON = re.compile(
    r"TERM|TERM_PROGRAM|COLORTERM|COLUMNS|LINES|NO_COLOR|FORCE_COLOR|CLICOLOR|CLICOLOR_FORCE"
    r"|(?:PYENV|ASDF|MISE)_\w+|XDG_(?:CONFIG|CACHE|DATA)_HOME|XDG_CONFIG_DIRS|XDG_RUNTIME_DIR"
    r"|DOCKER_(?:HOST|CONTEXT|CONFIG|CERT_PATH|TLS|TLS_VERIFY|API_VERSION|AUTH_CONFIG|DEFAULT_PLATFORM|CONTENT_TRUST\w*)"
    r"|BUILDX_(?:BUILDER|CONFIG)|SSH_AUTH_SOCK|GNUPGHOME|PASSWORD_STORE_DIR|DBUS_SESSION_BUS_ADDRESS|WSL\w*"
    r"|CI|GITHUB_STEP_SUMMARY|PYTEST_(?:XDIST_\w+|CURRENT_TEST|VERSION)"
)
# How to reach packages and images. Settings on where or how to install them are left out: PIP_USER, PIP_TARGET, UV_SYSTEM_PYTHON and
# similar ones are for other environments, and the locks determine the versions and the files.
PIP = (
    "INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|TRUSTED_HOST|CERT|CLIENT_CERT|PROXY|TIMEOUT|DEFAULT_TIMEOUT|RETRIES"
    "|KEYRING_PROVIDER|USE_FEATURE|USE_DEPRECATED"
)
UV = (
    "DEFAULT_INDEX|INDEX|INDEX_URL|EXTRA_INDEX_URL|INDEX_STRATEGY|FIND_LINKS|NO_INDEX|KEYRING_PROVIDER|NATIVE_TLS|SYSTEM_CERTS|INSECURE_HOST"
    r"|OFFLINE|HTTP_TIMEOUT|HTTP_CONNECT_TIMEOUT|HTTP_RETRIES|CONCURRENT_DOWNLOADS|INDEX_\w+_(?:USERNAME|PASSWORD)"
)
NETWORK = re.compile(
    r"(?i:https?_proxy|all_proxy|ftp_proxy|no_proxy)|(?:NIX_)?SSL_CERT_(?:FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|NETRC"
    rf"|PIP_(?:CONFIG_FILE|{PIP})|UV_(?:CONFIG_FILE|{UV})|(?:AWS|GOOGLE|CLOUDSDK|AZURE)_\w+"
)
PROXY = re.compile(r"(?i:\w+_proxy)")

# Settings that are in no Compose file and not in .env.example. Of make's variables, only those that the programs read.
SETTINGS = re.compile(
    "COMPOSE_FILE|COMPOSE_PROJECT_NAME|RUNTIME"
    "|A|AGAIN|B|BACKUP_KEY|CALLS|CHECK|CHUNKS|CORES|CPU|DISTRIBUTED|F|FAIL_ON|FULL|GENERATORS|INTERVAL|JSON|JUNIT|KILL|LIMIT|MEMORY|OSV_URL"
    "|P99|PLAIN|PYTHONS|QUICK|RATE|RESULTS|RESUME|ROUNDS|S|SECONDS|SEED|SERVICES|SHA256|SHORT|SOCKETS|TARGET|THINK|USERS|WAIT|WARMUP|WITHIN"
    "|WORK|WORKLOAD|X|ENGINE_RESTART|BOARD_SEQUENCES|CHAOS_REPEATS|CONTRACT_EXAMPLES|DEPARTURES|DIFFERENTIAL_EXAMPLES|LIES_TIMES|MALFORMED_REQUESTS"
)
# Values that the project sets. UTF-8, whatever the caller's locale. No proxy by default: programs send requests to this machine only.
# On macOS NO_PROXY also keeps Python from asking the system for a proxy.
FIXED = {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "NO_PROXY": "*", "no_proxy": "*"}
# As in the containers: the time zone, and unbuffered output.
OF_SERVERS = {"TZ": "UTC", "PYTHONUNBUFFERED": "1"}


def take_over() -> None:
    """Replace this process's environment with the composed one. Idempotent."""
    composed = compose(os.environ)
    for name in set(os.environ) - set(composed):
        del os.environ[name]
    os.environ.update(composed)


def compose(caller: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of this project's programs, composed from the caller's."""
    of_compose = set(variables_of_compose(caller))
    kept = (MACHINE, PERSON, SETTINGS)
    found = {
        name: value for name, value in caller.items() if name in of_compose or ours(name) or any(names.fullmatch(name) for names in kept)
    }
    # "*": the caller wants no proxies. This project's programs also pass this value to the programs that they start.
    without_proxies = "*" in (caller.get("no_proxy"), caller.get("NO_PROXY"))
    found |= {
        SET_ASIDE + name: value
        for name, value in caller.items()
        if NETWORK.fullmatch(name) and not (without_proxies and PROXY.fullmatch(name))
    }
    if "TMPDIR" in found and not os.access(found["TMPDIR"], os.W_OK | os.X_OK):
        del found["TMPDIR"]  # not every program falls back to another folder
    return found | FIXED


def for_servers() -> dict[str, str]:
    """Return the environment of this project's servers, before their own variables: no settings, terminal or network."""
    found = {name: value for name, value in os.environ.items() if MACHINE.fullmatch(name) or (ours(name) and not set_aside(name))}
    return found | FIXED | OF_SERVERS


def for_network() -> dict[str, str]:
    """Return the environment of a program that fetches something, with the caller's proxies, certificates and credentials."""
    found = {name: value for name, value in os.environ.items() if name not in ("NO_PROXY", "no_proxy") and not set_aside(name)}
    return found | {name.removeprefix(SET_ASIDE): value for name, value in os.environ.items() if set_aside(name)}


def ours(name: str) -> bool:
    return name.startswith(OURS)


def set_aside(name: str) -> bool:
    return name.startswith(SET_ASIDE)


def variables_of_compose(caller: Mapping[str, str]) -> Iterator[str]:
    """Yield the variable names in .env.example and in every Compose file, including the caller's own files."""
    for name in ("compose.yaml", *(path.name for path in ROOT.glob("compose.*.yaml")), *compose_files(caller)):
        if (path := ROOT / name).is_file():
            yield from re.findall(r"(?<!\$)\$\{?(\w+)", path.read_text(errors="replace"))
    if (example := ROOT / ".env.example").is_file():  # the operator may have renamed it to .env
        yield from re.findall(r"^#?(\w+)=", example.read_text(errors="replace"), re.MULTILINE)


def compose_files(caller: Mapping[str, str]) -> list[str]:
    """Return the files that COMPOSE_FILE names, in the environment or in .env."""
    env = ROOT / ".env"
    written = re.findall(r"^COMPOSE_FILE=[\"']?([^\"'\n]*)", env.read_text(errors="replace"), re.MULTILINE) if env.is_file() else []
    return [name for value in [caller.get("COMPOSE_FILE") or "", *written] for name in value.split(os.pathsep) if name]

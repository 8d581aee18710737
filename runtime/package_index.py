"""The settings by which pip and uv reach a package index: those that this user configured, without the rest of that configuration.

A file with ``user = true``, ``target``, ``require-virtualenv`` or ``exclude-newer`` is meant for other environments. With it, an
installer installs elsewhere, or refuses. Neither program can ignore a single setting of a file, so both ignore the user's files.
They receive the settings that they need by variables and by a file that this module writes.
"""

import ast
import json
import os
import re
import subprocess
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runtime import environment

CACHE = environment.ROOT / ".cache"
SECONDS = 30
# The caches are in the checkout, where make clean finds them, instead of the home directory.
CACHES = {"PIP_CACHE_DIR": str(CACHE / "pip"), "UV_CACHE_DIR": str(CACHE / "uv"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def for_pip(pip: Sequence[str]) -> dict[str, str]:
    """Return the environment for pip, after asking pip for the settings in its files and variables."""
    given = {**environment.for_network(), **CACHES}
    try:
        asked = subprocess.run([*pip, "config", "list"], env=given, capture_output=True, text=True, timeout=SECONDS)
        printed = asked.stdout
    except (OSError, subprocess.TimeoutExpired):
        printed = ""
    return given | from_pip(printed) | {"PIP_CONFIG_FILE": os.devnull}  # with this value pip reads no configuration file


def from_pip(printed: str) -> dict[str, str]:
    """Return the index settings in the output of ``pip config list`` as variables.

    As in pip, settings of a command override global ones, and environment variables override both.
    """
    found: dict[str, dict[str, str]] = {"global": {}, "install": {}, "download": {}, ":env:": {}}
    for section, key, value in re.findall(r"^(.+?)\.([\w-]+)=(['\"].*)$", printed, re.MULTILINE):
        name = key.upper().replace("-", "_")
        if section in found and re.fullmatch(environment.PIP, name):
            found[section][f"PIP_{name}"] = " ".join(str(ast.literal_eval(value)).split())
    return {name: value for settings in found.values() for name, value in settings.items() if value}


def for_uv() -> dict[str, str]:
    """Return the environment for uv, and write the configuration file that it names."""
    given = {**environment.for_network(), **CACHES}
    file = CACHE / "uv.toml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(from_uv([read_toml(path) for path in uv_files(given)]))
    return given | {"UV_CONFIG_FILE": str(file)}  # with this variable uv reads no other file, not even in a parent folder


def from_uv(documents: Sequence[dict[str, Any]]) -> str:
    """Return a uv configuration with the index settings of these documents. Later documents override earlier ones.

    ``[pip]`` has the same settings, for uv pip alone.
    """
    found: dict[str, Any] = {}
    for document in documents:
        for settings in (document, document.get("pip", {})):
            names = re.compile(f"{environment.UV}|ALLOW_INSECURE_HOST")
            found |= {key: value for key, value in settings.items() if names.fullmatch(key.upper().replace("-", "_"))}
    return "".join(f"{key} = {toml(value)}\n" for key, value in found.items())


def toml(value: Any) -> str:
    """Return a value as TOML. Strings, numbers, booleans and lists are written as in JSON."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(inner)}" for key, inner in value.items()) + "}"
    return f"[{', '.join(map(toml, value))}]" if isinstance(value, list) else json.dumps(value, ensure_ascii=False)


def uv_files(given: dict[str, str]) -> list[Path]:
    """Return the files that uv reads: the machine's and the user's, or only the file that UV_CONFIG_FILE names."""
    if named := given.get("UV_CONFIG_FILE"):
        return [Path(named)]
    home = Path(given.get("XDG_CONFIG_HOME") or Path(given.get("HOME") or "/") / ".config")
    machine = [Path(folder) / "uv/uv.toml" for folder in given.get("XDG_CONFIG_DIRS", "/etc/xdg").split(os.pathsep) if folder]
    return [*machine, Path("/etc/uv/uv.toml"), home / "uv/uv.toml"]


def read_toml(path: Path) -> dict[str, Any]:
    """Return the parsed file, an empty dict if it is missing or unreadable."""
    try:
        return tomllib.loads(path.read_text())
    except (OSError, ValueError):
        return {}

"""How pip and uv reach a package index as this user has configured it, without the rest of that configuration.

A file with ``user = true``, ``target``, ``require-virtualenv`` or ``exclude-newer`` is for other environments: with it pip installs
elsewhere, or refuses. Neither program can be told to leave out one setting of a file, so its files are not read, and what is needed
of them is given by variables and by a file of ours.
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
# Caches go where make clean finds them, not to the home directory.
CACHES = {"PIP_CACHE_DIR": str(CACHE / "pip"), "UV_CACHE_DIR": str(CACHE / "uv"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def for_pip(pip: Sequence[str]) -> dict[str, str]:
    """The environment of a pip, which is asked first for what its files and variables say."""
    given = {**environment.for_network(), **CACHES}
    try:
        asked = subprocess.run([*pip, "config", "list"], env=given, capture_output=True, text=True, timeout=SECONDS)
        printed = asked.stdout
    except (OSError, subprocess.TimeoutExpired):
        printed = ""
    return given | from_pip(printed) | {"PIP_CONFIG_FILE": os.devnull}  # pip reads no file where it is this one


def from_pip(printed: str) -> dict[str, str]:
    """What ``pip config list`` prints, as variables: only how an index is reached. The nearest counts, as it does for pip."""
    found: dict[str, dict[str, str]] = {"global": {}, "install": {}, "download": {}, ":env:": {}}
    for section, key, value in re.findall(r"^(.+?)\.([\w-]+)=(['\"].*)$", printed, re.MULTILINE):
        name = key.upper().replace("-", "_")
        if section in found and re.fullmatch(environment.PIP, name):
            found[section][f"PIP_{name}"] = " ".join(str(ast.literal_eval(value)).split())
    return {name: value for settings in found.values() for name, value in settings.items() if value}


def for_uv() -> dict[str, str]:
    """The environment of uv, whose own file is written here."""
    given = {**environment.for_network(), **CACHES}
    file = CACHE / "uv.toml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(from_uv([read_toml(path) for path in uv_files(given)]))
    return given | {"UV_CONFIG_FILE": str(file)}  # uv reads no other file then, nor one of a folder above


def from_uv(documents: Sequence[dict[str, Any]]) -> str:
    """A file for uv with what these say of indexes, the later ones over the earlier. ``[pip]`` has the same settings, for uv pip alone."""
    found: dict[str, Any] = {}
    for document in documents:
        for settings in (document, document.get("pip", {})):
            names = re.compile(f"{environment.UV}|ALLOW_INSECURE_HOST")
            found |= {key: value for key, value in settings.items() if names.fullmatch(key.upper().replace("-", "_"))}
    return "".join(f"{key} = {toml(value)}\n" for key, value in found.items())


def toml(value: Any) -> str:
    """A value as TOML, of which strings, numbers, truth values and lists are written as in JSON."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(inner)}" for key, inner in value.items()) + "}"
    return f"[{', '.join(map(toml, value))}]" if isinstance(value, list) else json.dumps(value, ensure_ascii=False)


def uv_files(given: dict[str, str]) -> list[Path]:
    """Where uv looks: the machine's file and the user's, or the one that is named."""
    if named := given.get("UV_CONFIG_FILE"):
        return [Path(named)]
    home = Path(given.get("XDG_CONFIG_HOME") or Path(given.get("HOME") or "/") / ".config")
    machine = [Path(folder) / "uv/uv.toml" for folder in given.get("XDG_CONFIG_DIRS", "/etc/xdg").split(os.pathsep) if folder]
    return [*machine, Path("/etc/uv/uv.toml"), home / "uv/uv.toml"]


def read_toml(path: Path) -> dict[str, Any]:
    """The file; nothing where there is none, or none that can be read."""
    try:
        return tomllib.loads(path.read_text())
    except (OSError, ValueError):
        return {}

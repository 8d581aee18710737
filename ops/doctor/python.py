"""Check Python, virtual environments, access to packages, and make."""

import importlib.util
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from ops.doctor.finding import LOCAL, RUNTIMES, Finding
from runtime import venv
from runtime.docker.engine import dotted
from runtime.environment import for_network
from runtime.package_index import CACHES

SECONDS = 30


def findings() -> list[Finding]:
    """Run all checks of this module."""
    return [python(), environments(), packages(), make()]


def python() -> Finding:
    """Report the Python version; runtime/venv.py has already rejected one that is too old."""
    return Finding("Python", sys.version.split()[0], f"{dotted(venv.NEEDED)} or newer")


def environments() -> Finding:
    """Check the modules that an environment needs: Debian and its derivatives package some of them separately."""
    missing = [name for name in ("venv", "ensurepip", "ssl", "sqlite3") if importlib.util.find_spec(name) is None]
    needed = "Python's own modules venv, ensurepip, ssl and sqlite3"
    if not missing:
        return Finding("environments", "can be made", needed)
    fix = "On Debian and Ubuntu: sudo apt install python3-venv"
    return Finding("environments", f"no {' and no '.join(missing)}", needed, fix, RUNTIMES)


def packages() -> Finding:
    """Check that the locked packages are installed or that a package index answers. Only pip knows its index, so pip sends the request."""
    needed = "installed, or a way to a package index"
    lacking = venv.missing(["runtime", "services"]) if venv.made() else ["runtime", "services"]  # type: ignore[no-untyped-call]
    if not lacking:
        return Finding("packages", "installed", needed)
    stops = RUNTIMES if "runtime" in lacking else [LOCAL]
    pip = find_pip()
    if pip is None:
        return Finding(
            "packages", "not installed, and there is no pip", needed, "On Debian and Ubuntu: sudo apt install python3-venv", stops
        )
    wanted = re.search(r"^uv==(\S+)", (venv.ROOT / "runtime/uv.txt").read_text(), re.MULTILINE)
    assert wanted
    quick = ["--disable-pip-version-check", "--retries", "0", "--timeout", "5"]
    try:
        asked = subprocess.run(
            [*pip, "index", "versions", "uv", *quick], capture_output=True, text=True, timeout=SECONDS, env=for_network() | CACHES
        )
        printed = asked.stdout
    except subprocess.TimeoutExpired:
        printed = ""
    if wanted[1] in re.findall(r"[\d.]+\d", printed):
        return Finding("packages", "an index answers pip", needed)
    seen = f"an index answers, without uv {wanted[1]}" if printed else "not installed, and no index answers pip"
    fix = "Check the network, or name a proxy (HTTPS_PROXY) or a mirror (PIP_INDEX_URL and UV_DEFAULT_INDEX)"
    return Finding("packages", seen, needed, fix, stops)


def find_pip() -> list[str] | None:
    """Return the command for this Python's pip, or for the pip that it installs into environments; ``None`` if it has neither."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    ensurepip = importlib.util.find_spec("ensurepip")
    places = [Path(ensurepip.origin).parent / "_bundled"] if ensurepip and ensurepip.origin else []
    if distribution := sysconfig.get_config_var("WHEEL_PKG_DIR"):
        places.append(Path(distribution))
    wheels = sorted(wheel for place in places for wheel in place.glob("pip-*.whl"))
    return [sys.executable, str(wheels[-1] / "pip")] if wheels else None


def make() -> Finding:
    """Look for make. Without it, each target's script can be called directly."""
    found = shutil.which("make")
    fix = "" if found else "On Debian and Ubuntu: sudo apt install make; on macOS: xcode-select --install"
    return Finding("make", "here" if found else "not on the PATH", "any", fix)

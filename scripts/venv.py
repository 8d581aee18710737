"""Run a module of this project in its own environment, made on first use: python3 scripts/venv.py GROUPS -m MODULE ARGUMENTS.

Needs nothing but Python. GROUPS names the locks to install, with commas between. Everything stays in the checkout.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
NEEDED = (3, 11)
LOCKS = {
    "scripts": ["scripts/requirements.txt"],
    "services": [
        "scripts/local.txt",
        *(f"services/{name}/requirements.txt" for name in ("flask_sync", "fastapi_async", "django_async", "upstream", "certificates")),
    ],
    "loadtest": ["loadtest/generator/requirements.txt", "loadtest/requirements.txt"],
    "tests": ["tests/requirements.txt", "tests/lint.txt"],
}
# Caches go where make clean finds them, not to the home directory; and what pip and Python are told elsewhere about other
# environments does not count here.
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV")},
    "PIP_CACHE_DIR": str(ROOT / ".cache" / "pip"),
    "UV_CACHE_DIR": str(ROOT / ".cache" / "uv"),
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
}


def ensure(*groups):
    """Make the environment if there is none for this place and this Python, and install the groups that it lacks."""
    made_for = f"{ROOT} {sys.version}"
    mark = VENV / ".made-for"
    inside = Path(sys.prefix).resolve() == VENV.resolve()
    if not inside and not (mark.is_file() and mark.read_text() == made_for and PYTHON.exists()):
        say("Making a Python environment in .venv (once)")
        shutil.rmtree(VENV, ignore_errors=True)
        if run([sys.executable, "-m", "venv", str(VENV)]):
            fail("Python cannot make environments here. On Debian and Ubuntu: apt install python3-venv")
        if run([str(PYTHON), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", "scripts/uv.txt"]):
            fail("The package installer uv could not be installed; the lines above say why.")
        mark.write_text(made_for)
    for group in groups:
        locks = LOCKS[group]
        digest = hashlib.sha256(b"".join((ROOT / lock).read_bytes() for lock in locks)).hexdigest()
        installed = VENV / (".installed-" + group)
        if installed.is_file() and installed.read_text() == digest:
            continue
        say(f"Installing the packages of {group} (once)")
        options = [option for lock in locks for option in ("-r", lock)]
        if run([str(PYTHON), "-m", "uv", "pip", "install", "--quiet", "--python", str(PYTHON), "--require-hashes", *options]):
            fail(f"The packages of {group} could not be installed; the lines above say why.")
        installed.write_text(digest)


def tool(name):
    """The Python of a tool's own environment, made on first use from scripts/tools/NAME.txt.

    For a tool whose packages would hold back those of the project, or be held back by them: the common lock has one version of
    each. Run it as a module: [tool("sslyze"), "-m", "sslyze", ...].
    """
    lock = ROOT / "scripts" / "tools" / (name + ".txt")
    folder = ROOT / ".cache" / "tools" / name
    python = folder / "bin" / "python"
    made_for = f"{folder.resolve()} {sys.version} {hashlib.sha256(lock.read_bytes()).hexdigest()}"
    mark = folder / ".made-for"
    if not (mark.is_file() and mark.read_text() == made_for and python.exists()):
        say(f"Installing {name} in an environment of its own (once)")
        shutil.rmtree(folder, ignore_errors=True)
        uv = [str(PYTHON), "-m", "uv"]
        install = [*uv, "pip", "install", "--quiet", "--python", str(python), "--require-hashes", "-r", str(lock)]
        if run([*uv, "venv", "--quiet", "--python", str(PYTHON), str(folder)]) or run(install):
            fail(f"{name} could not be installed; the lines above say why.")
        mark.write_text(made_for)
    return str(python)


def run(command):
    """Run a command at the top of the checkout; its exit status."""
    return subprocess.run(command, cwd=ROOT, env=ENVIRONMENT).returncode


def say(text):
    print(text + " ...", file=sys.stderr, flush=True)


def fail(text):
    print("twogates: " + text, file=sys.stderr)
    sys.exit(1)


def main():
    if len(sys.argv) < 4 or sys.argv[2] != "-m":
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    if sys.version_info < NEEDED:
        fail("Python 3.11 or newer is needed, this is %d.%d. Name another: make PYTHON=python3.13 ..." % sys.version_info[:2])
    ensure(*(group for group in sys.argv[1].split(",") if group))
    os.chdir(ROOT)
    os.execve(str(PYTHON), [str(PYTHON), *sys.argv[2:]], ENVIRONMENT)


if __name__ == "__main__":
    main()

"""Run a module of this project in its own environment, made on first use: python3 runtime/venv.py GROUPS -m MODULE ARGUMENTS.

Needs only Python. GROUPS names the locks to install, separated by commas. "none" uses this Python as it is, for modules that run
before an environment exists, or without one. Everything stays in the checkout.
"""

import hashlib
import importlib.util
import os
import platform
import shutil
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
NEEDED, NEWEST = (3, 11), (3, 14)
LOCKS = {
    # Includes the certificates' packages: make up checks the production certificate before anything starts.
    "runtime": ["runtime/requirements.txt", "services/certificates/requirements.txt"],
    "services": [
        "runtime/local.txt",
        *(
            "services/" + name + "/requirements.txt"
            for name in ("flask_sync", "fastapi_async", "django_async", "upstream", "monitor", "certificates")
        ),
    ],
    "loadtest": ["loadtest/generator/requirements.txt", "loadtest/requirements.txt"],
    "tests": ["tests/requirements.txt", "tests/lint.txt"],
}
INSTALLER = ["runtime/uv.txt"]
# Packages from a bundle (make load-bundle), in one folder for each version and platform of Python.
WHEELS = ROOT / ".cache" / "wheels"


def ensure(*groups):
    """Create the environment if none exists for this path and this Python, and install the missing groups."""
    inside = Path(sys.prefix).resolve() == VENV.resolve()
    if not inside and not made():
        shutil.rmtree(str(VENV), ignore_errors=True)
        run(
            "Python environment in .venv (once)",
            [sys.executable, "-m", "venv", str(VENV)],
            [str(PYTHON), "-m", "pip", "install", "--quiet", "--require-hashes", *from_bundle(INSTALLER), "-r", *INSTALLER],
        )
        (VENV / ".made-for").write_text(made_for())
    for group in missing(groups):
        options = from_bundle(LOCKS[group]) + [option for lock in LOCKS[group] for option in ("-r", lock)]
        run(
            "{} packages, for {} (once)".format(len(packages(group)), group),
            [str(PYTHON), "-m", "uv", "pip", "install", "--quiet", "--python", str(PYTHON), "--require-hashes", *options],
        )
        mark(group).write_text(digest(group))


def made_for():
    return "{} {}".format(ROOT, sys.version)


def made():
    """Return whether the environment exists for this path and this Python."""
    written = VENV / ".made-for"
    return written.is_file() and written.read_text() == made_for() and PYTHON.exists()


def missing(groups):
    """Return the groups that are not installed, or whose locks have changed."""
    return [group for group in groups if not (mark(group).is_file() and mark(group).read_text() == digest(group))]


def mark(group):
    return VENV / (".installed-" + group)


def packages(group):
    """Return the package names in a group's locks."""
    lines = [line for lock in LOCKS[group] for line in (ROOT / lock).read_text().splitlines()]
    return {line.split("==")[0] for line in lines if "==" in line and line[0].isalnum()}


def digest(group):
    return hashlib.sha256(b"".join((ROOT / lock).read_bytes() for lock in LOCKS[group])).hexdigest()


def kind():
    """Return the version and platform of this Python as one word, such as cp313-linux-x86_64."""
    return "cp%d%d-%s-%s" % (*sys.version_info[:2], sys.platform, platform.machine().lower())


def lock_digest(lock):
    """Return the SHA-256 digest that identifies one version of a lock."""
    return hashlib.sha256((ROOT / lock).read_bytes()).hexdigest()


def from_bundle(locks):
    """Return options that make an installer use a bundle instead of the network, if the bundle covers all of these locks."""
    folder = WHEELS / kind()
    listed = folder / "locks.txt"
    have = listed.read_text().split() if listed.is_file() else []
    return ["--no-index", "--find-links", str(folder)] if all(lock_digest(lock) in have for lock in locks) else []


def tool(name):
    """Return the Python of a tool's own environment, which is made on first use from dev/tools/NAME.txt.

    This is for a tool whose requirements would hold back the project's packages, or the reverse: the common lock has only one version
    of each package. Run it as a module: [tool("sslyze"), "-m", "sslyze", ...].
    """
    lock = ROOT / "dev" / "tools" / (name + ".txt")
    folder = ROOT / ".cache" / "tools" / name
    python = folder / "bin" / "python"
    wanted = "{} {} {}".format(folder.resolve(), sys.version, hashlib.sha256(lock.read_bytes()).hexdigest())
    written = folder / ".made-for"
    if not (written.is_file() and written.read_text() == wanted and python.exists()):
        shutil.rmtree(str(folder), ignore_errors=True)
        uv = [str(PYTHON), "-m", "uv"]
        run(
            name + " in an environment of its own (once)",
            [*uv, "venv", "--quiet", "--python", str(PYTHON), str(folder)],
            [*uv, "pip", "install", "--quiet", "--python", str(python), "--require-hashes", "-r", str(lock)],
        )
        written.write_text(wanted)
    return str(python)


def run(text, *commands):
    """Run commands at the top of the checkout as one step. If one fails, show its output and exit."""
    from runtime import package_index
    from runtime.error_hints import cause
    from runtime.progress import step

    with step(text, sys.stderr):
        for command in commands:
            is_pip = command[1:3] == ["-m", "pip"]
            given = package_index.for_pip(command[:3]) if is_pip else package_index.for_uv()
            done = subprocess.run(command, cwd=str(ROOT), env=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if done.returncode:
                break
    if done.returncode:
        printed = done.stdout.decode(errors="replace")
        if importlib.util.find_spec("ensurepip") is None:
            fail("Python cannot make environments here. On Debian and Ubuntu: apt install python3-venv")
        fail("{} failed:\n{}".format(text, cause(printed)))


def fail(text):
    print("twogates: " + text, file=sys.stderr)
    sys.exit(1)


def newer():
    """Return the newest Python on the PATH that is new enough, ``None`` if there is none."""
    names = ["python3.%d" % minor for minor in range(NEWEST[1], NEEDED[1] - 1, -1)]
    return next(filter(None, map(shutil.which, names)), None)


def main():
    if len(sys.argv) < 4 or sys.argv[2] != "-m":
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    if sys.version_info < NEEDED:
        python = newer()
        if python:
            os.execv(python, [python, "-I", *sys.argv])
        fail("Python 3.11 or newer is needed, this is %d.%d. Name another: make PYTHON=python3.13 ..." % sys.version_info[:2])
    # Replace this folder, where some modules have the names of Python's own. With -I or PYTHONSAFEPATH it is not on the path.
    sys.path[:] = [str(ROOT), *(path for path in sys.path if path != str(ROOT / "runtime"))]
    from runtime import environment  # noqa: F401 - composes the environment of the command, in place of the caller's

    python = sys.executable
    if sys.argv[1] != "none":
        ensure(*(group for group in sys.argv[1].split(",") if group))
        python = str(PYTHON)
    os.chdir(str(ROOT))
    try:
        os.fstat(0)
    except OSError:  # standard input is closed: the next file opened, which is this one, gets its number
        os.set_inheritable(os.open(os.devnull, os.O_RDONLY), True)
    # A shell makes background commands ignore Ctrl-C, and a program inherits ignored signals. Restore the defaults.
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    os.execv(python, [python, "-m", "runtime.module", *sys.argv[3:]])


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)

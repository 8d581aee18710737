"""The stack and the laboratory from a shell with settings for other programs, in a checkout with an awkward path and file modes."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.testing.lanes import copy_of_checkout
from runtime import environment
from tests.checkouts import free_port
from tests.conftest import ROOT
from tests.hostile import HOSTILE, INSTALLING, PROXIES

pytestmark = pytest.mark.long  # it installs every package

OWN = {"COMPOSE_PROJECT_NAME": "twogates-hostile", "TAG": "hostile", "RUNTIME": "local"}
SHORT = {"USERS": "4", "WAIT": "0.1", "SECONDS": "1"}
FOR_OTHERS = "[global]\nuser = true\n[install]\ntarget = /nonexistent/target\nrequire-virtualenv = true\n"


class Shell:
    """A person's shell in a checkout of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ports = {name: free_port() for name in ("HTTP_PORT", "HTTPS_PORT", "LOCAL_PORT")}
        # Of the real settings, only those with which this machine reaches an index are kept.
        reaching = {name: value for name, value in environment.for_network().items() if environment.NETWORK.fullmatch(name)}
        machine = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        (configuration := folder / "pip for others.conf").write_text(FOR_OTHERS)
        self.environment = {**machine, **reaching, **HOSTILE, **OWN, **ports, "PIP_CONFIG_FILE": str(configuration)}
        self.reaching = {name: value for name, value in reaching.items() if name in PROXIES}

    def run(self, *words: str, **given: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the checkout."""
        chosen = self.environment | given
        return subprocess.run(words, cwd=self.folder, env=chosen, umask=0o077, capture_output=True, text=True, timeout=300)

    def install(self) -> None:
        """Run the first step of make, with this machine's route to an index instead of proxies that lead nowhere."""
        without = {name: value for name, value in self.environment.items() if name not in PROXIES} | self.reaching
        words = ["python3", "-I", "runtime/venv.py", "runtime,services,loadtest", "-m", "ops.stack", "status"]
        done = subprocess.run(words, cwd=self.folder, env=without, umask=0o077, capture_output=True, text=True, timeout=300)
        assert (done.returncode, done.stdout) == (0, "Nothing is running. Start it with: make up\n"), done.stderr


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    folder = copy_of_checkout(tmp_path / "Zwei Türen")
    for path in (folder, *folder.rglob("*")):
        path.chmod(path.stat().st_mode & ~0o077)  # as in a clone made under that umask
    (folder / ".cache").symlink_to(ROOT / ".cache")  # downloaded packages
    found = Shell(folder)
    yield found
    found.run("make", "down")


def environments(folder: Path) -> dict[str, set[str]]:
    """Return the variables of each process that runs in a folder."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink().is_relative_to(folder):
                found[f"{(entry / 'comm').read_text().strip()} {entry.name}"] = set((entry / "environ").read_text("latin-1").split("\0"))
        except OSError:  # ended in the meantime
            continue
    return found


def test_it_starts_measures_and_stops(shell: Shell) -> None:
    shell.install()
    started = shell.run("make", "up")
    assert started.returncode == 0, started.stderr
    processes = environments(shell.folder)
    assert len(processes) > 10
    # For each process, what it has from the shell. A server's own PORT has another value.
    of_shell = {f"{name}={value}" for name, value in (HOSTILE | OWN).items()}
    strange = {name: one & of_shell | {pair for pair in one if environment.set_aside(pair)} for name, one in processes.items()}
    assert {name: one for name, one in strange.items() if one} == {}
    measured = [shell.run("make", "load", **SHORT)]
    stopped = shell.run("make", "down")
    assert (stopped.returncode, stopped.stdout) == (0, "Stopped.\n"), stopped.stderr
    measured.append(shell.run("make", "lab", X="queue", SHORT="1"))
    for done in measured:
        # Whether the claim holds depends on the machine: if it does not, the status is 1.
        assert done.returncode == 0 or "] Error 1" in done.stderr, done.stderr
        assert "Report: " in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
    assert environments(shell.folder) == {}
    assert INSTALLING.keys() <= shell.environment.keys()

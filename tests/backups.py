"""Run `make backup` and `make restore` from tests."""

import os
import subprocess
import sys

from tests.conftest import ROOT


def run(module: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the program behind `make backup` or `make restore`."""
    command, given = [sys.executable, "-m", f"ops.{module}", *words], {**os.environ, **variables}
    return subprocess.run(command, cwd=ROOT, env=given, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240)


def checksums() -> str:
    """Return the checksums of all tables."""
    done = run("backup", "--checksum")
    assert done.returncode == 0, done.stderr
    return done.stdout

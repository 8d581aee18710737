"""`make backup` and `make restore`, as tests run them."""

import os
import subprocess
import sys

from tests.conftest import ROOT


def run(module: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """What `make backup` and `make restore` run."""
    command, given = [sys.executable, "-m", f"ops.{module}", *words], {**os.environ, **variables}
    return subprocess.run(command, cwd=ROOT, env=given, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240)


def checksums() -> str:
    """Of every table."""
    done = run("backup", "--checksum")
    assert done.returncode == 0, done.stderr
    return done.stdout

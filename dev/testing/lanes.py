"""Run suites in parallel, each lane in its own checkout: tests spend most of their time waiting for servers.

The first lane is this checkout. The others are copies in .run, because two stacks cannot share one folder .run.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from dev.testing.suites import REPORTS, Row, Suite, end_guard, start_guard
from runtime.checkout import ROOT, unusable
from runtime.console import console

# Upper limit, since each lane has a stack in memory. Below it, there is one lane more than CPUs, because tests also wait.
MOST = 4
# A copy keeps these folders. The database in .run was created with the passwords in secrets.
KEPT = {".venv", ".run", ".cache", "secrets"}
GROUPS = "runtime,services,loadtest,tests"  # the groups of runtime/venv.py that the tests need
PERCENT = re.compile(r"\[ *(\d+)%\]")
LOOK_SECONDS, TELL_SECONDS = 0.2, 60.0


class Lane:
    """A checkout in which one suite runs at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.suite: Suite | None = None

    def begin(self, suite: Suite) -> None:
        """Start a suite in this lane, with its output in a file."""
        self.suite, self.began = suite, time.monotonic()
        named = REPORTS / f"{suite.name.replace(' ', '-')}"
        self.result, self.printed = named.with_suffix(".json"), named.with_suffix(".txt")
        module = ["-m", "dev.testing.lane", suite.to_json(), str(self.result), *(["copy"] if self.folder != ROOT else [])]
        # A copy has its own environment, because an environment works only at the path it was created for.
        command = [sys.executable, *module] if self.folder == ROOT else [sys.executable, "runtime/venv.py", GROUPS, *module]
        with self.printed.open("w") as file:
            self.guard = start_guard(named.with_suffix(".lane"), command, {}, folder=self.folder, output=file)

    @property
    def progress(self) -> str:
        """Return the suite's name and the percentage done."""
        assert self.suite
        done = PERCENT.findall(self.printed.read_text(errors="replace"))
        return f"{self.suite.name} {done[-1] if done else 0} %"

    def ended(self) -> Row | None:
        """Print the suite's output and return its outcome if it has ended; ``None`` before."""
        if not self.suite or self.guard.poll() is None:
            return None
        counts = Counter[str](json.loads(self.result.read_text())) if self.result.is_file() else Counter(failed=1)
        sys.stdout.flush()
        console.print(self.printed.read_text(errors="replace"), markup=False, end="")
        row = Row(self.suite.name, time.monotonic() - self.began, counts)
        self.suite = None
        return row

    def end(self) -> None:
        """End the lane's suite when the whole run is interrupted."""
        if self.suite:
            end_guard(self.guard)


def run(suites: Sequence[Suite]) -> list[Row]:
    """Run suites, as many at a time as there are lanes, the longest first; return the outcomes in the order in which suites end."""
    waiting, rows = sorted(suites, key=lambda suite: -suite.seconds), list[Row]()
    lanes = [Lane(folder) for folder in folders()]
    with ExitStack() as stack:
        for lane in lanes:
            stack.callback(lane.end)
        told = time.monotonic()
        while waiting or any(lane.suite for lane in lanes):
            for lane in lanes:
                if row := lane.ended():
                    rows.append(row)
                beside = [other.suite for other in lanes if other.suite]
                if not lane.suite and (next_one := next((suite for suite in waiting if suite.may_run_beside(beside)), None)):
                    waiting.remove(next_one)
                    lane.begin(next_one)
            if time.monotonic() > told + TELL_SECONDS:
                told = time.monotonic()
                console.print("Running: " + ", ".join(lane.progress for lane in lanes if lane.suite) + f"; {len(waiting)} to come")
            time.sleep(LOOK_SECONDS)
    return rows


def folders() -> list[Path]:
    """Return the checkouts to run in: only this one if it cannot be cloned, or if the path of a copy would be unusable."""
    copies = [ROOT / ".run" / f"lane{number}" for number in range(2, min(MOST, (os.cpu_count() or 1) + 1) + 1)]
    if not (ROOT / ".git").exists() or not shutil.which("git") or any(map(unusable, copies)):
        return [ROOT]
    return [ROOT, *map(copied, copies)]


def copied(copy: Path) -> Path:
    """Return a clone of this checkout with its uncommitted changes. Only the KEPT folders survive from an earlier run."""
    copy.mkdir(parents=True, exist_ok=True)
    for entry in copy.iterdir():
        if entry.name not in KEPT:
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    git("clone", "--quiet", "--no-checkout", str(ROOT), str(copy / "cloned"))
    (copy / "cloned" / ".git").rename(copy / ".git")
    (copy / "cloned").rmdir()
    git("-C", str(copy), "reset", "--quiet")
    copy_of_checkout(copy)
    if not (copy / ".cache").exists():
        (ROOT / ".cache").mkdir(exist_ok=True)
        (copy / ".cache").symlink_to(ROOT / ".cache")  # downloaded packages
    return copy


def copy_of_checkout(folder: Path) -> Path:
    """Copy this checkout's files, except those that git ignores, to a folder."""
    for name in project_files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    return folder


def project_files() -> list[str]:
    """Return this checkout's files, also uncommitted ones, except those that git ignores."""
    names = git("-C", str(ROOT), "ls-files", "-co", "--exclude-standard", "-z").split("\0")
    return [name for name in names if (ROOT / name).is_file()]


def git(*words: str) -> str:
    return subprocess.run(["git", *words], capture_output=True, text=True, check=True).stdout

"""What a lesson's command measures, in its short form."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from loadtest.commands.load import NUMBERS, usual
from tests.conftest import ROOT
from tests.lessons.formula import Seen, wrong
from tests.lessons.page import Lesson

# Values by name: from the command, or else the default.
Numbers = Mapping[str, float]


def numbers(lesson: Lesson, given: Mapping[str, str]) -> Numbers:
    """Return the values of the names in a formula."""
    found = {name.upper(): usual(name, given.get("WORKLOAD", "")) for name in NUMBERS} if lesson.target == "load" else {}
    return found | {name: float(text) for name, text in given.items() if name not in ("S", "X", "WORKLOAD")}


def measured(target: str, folder: Path) -> dict[str, Any]:
    """Return the experiments of all lessons of a target, by lesson."""
    words = [sys.executable, "-m", "tests.lessons.session", target, str(folder)]
    ran = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stderr
    return {one["name"]: one for one in json.loads(ran.stdout)}


def failed_requests(experiment: Mapping[str, Any]) -> list[str]:
    """Return the cells with failed requests, and the number of failures."""
    failures = {cell["key"]: sum(run["counts"]["failures"] for run in cell["runs"]) for cell in experiment["cells"]}
    return [f"{key}: {count} requests failed" for key, count in failures.items() if count]


def claims_that_do_not_hold(lesson: Lesson, experiment: Mapping[str, Any]) -> list[str]:
    """Return the statements of the page that the measurement contradicts."""
    seen = {cell["key"]: {name: one["value"] for name, one in cell["estimates"].items()} | predicted(cell) for cell in experiment["cells"]}
    return all_wrong(lesson, seen, numbers(lesson, lesson.variables | lesson.short))


def predicted(cell: Mapping[str, Any]) -> dict[str, float]:
    """Return the predicted range of a cell's throughput."""
    high = cell["predicted"].get("throughput")
    return {} if high is None else {"predicted": high, "predicted_low": cell["predicted_low"].get("throughput", high)}


def all_wrong(lesson: Lesson, seen: Seen, given: Numbers) -> list[str]:
    """Return the claims of a page that do not hold."""
    return [text for claim in lesson.claims if (text := wrong(claim, seen, given))]


def loadtest(folder: Path, words: Iterable[str], given: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the program with its files in a folder other than the checkout."""
    environment = {**os.environ, **given, "PYTHONPATH": f"{ROOT}:{ROOT / 'services/shared'}"}
    command = [sys.executable, "-m", "loadtest", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)

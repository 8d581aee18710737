"""Linters, unit tests, and the whole stack in every runtime that this machine has: make test.

Ends with one line of counts. What could not be run here is named above it.
"""

import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import dataclass, field

from scripts import lint, runtime_docker, runtime_local
from scripts.compose_file import ROOT
from scripts.output import console, fail

REPORTS = ROOT / ".run" / "tests"
# Where two runtimes are tested, the tests with generated inputs run long in one: the applications are the same.
SHORT = {"DIFFERENTIAL_EXAMPLES": "100", "BOARD_SEQUENCES": "100", "MALFORMED_REQUESTS": "1000"}


# Each lesson of the workshop once, on the stack that runs anyway; the others start no stack, or the laboratory.
STACK_LESSONS = ["tests/lessons/test_on_the_stack.py"]
LESSONS = ["tests/lessons/test_pages.py", "tests/lessons/test_plans.py", "tests/lessons/test_in_the_laboratory.py"]


@dataclass
class Suite:
    """One run of pytest."""

    name: str
    paths: list[str]
    environment: dict[str, str] = field(default_factory=dict)

    def run(self) -> Counter[str]:
        """Its tests counted by outcome; the output goes through."""
        console.rule(self.name)
        report = REPORTS / f"{self.name.replace(' ', '-')}.xml"
        report.unlink(missing_ok=True)
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *self.paths]
        status = subprocess.run(command, cwd=ROOT, env={**os.environ, **self.environment}).returncode
        if not report.is_file():
            return Counter(failed=1)
        suite = ElementTree.parse(report).getroot()[0]  # noqa: S314  our own file
        count = Counter({name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")})
        failed = count["failures"] + count["errors"]
        passed = count["tests"] - failed - count["skipped"]
        return Counter(passed=passed, failed=failed or int(status != 0), skipped=count["skipped"])


def suites() -> tuple[list[Suite], list[str]]:
    """What this machine can run, and a sentence for each thing that it cannot."""
    # A file a process, two at a time: they wait as much as they compute.
    found = [Suite("unit", ["tests/unit", "--numprocesses=2", "--dist=loadfile"])]
    left_out = []
    stack = ["tests/conformance", "tests/differential", "tests/page"]
    # Before the stack's suites: the laboratory starts its own services, and refuses while another stack runs.
    found.append(Suite("laboratory", ["tests/lab", "tests/lies", "tests/browser", *LESSONS]))
    docker = runtime_docker.answers() and runtime_docker.missing_image() is None
    local = {"RUNTIME": "local", **(SHORT if docker else {})}
    found.append(Suite("local processes", ["tests/local", *stack, *STACK_LESSONS], local))
    if docker:
        found.append(Suite("Docker", ["tests/docker", *stack], {"RUNTIME": "docker"}))
    else:
        left_out.append("the stack on Docker: no engine answers here, or the base images cannot be had")
    return found, left_out


def main() -> int:
    """Run everything; exit status 1 when anything failed."""
    for runtime in (runtime_local, runtime_docker):
        if runtime.is_up():
            fail("The stack is running, and the tests start and stop it themselves. First: make down")
    shutil.rmtree(REPORTS, ignore_errors=True)
    REPORTS.mkdir(parents=True)
    started = time.monotonic()
    console.rule("linters")
    lint_failed = lint.main()
    total = Counter(passed=int(not lint_failed), failed=lint_failed, skipped=0)
    found, left_out = suites()
    for suite in found:
        total += suite.run()
    console.rule(f"{time.monotonic() - started:.0f} seconds")
    for sentence in left_out:
        console.print(f"Left out: {sentence}.")
    console.print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    return int(total["failed"] > 0)


if __name__ == "__main__":
    sys.exit(main())

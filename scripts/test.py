"""Linters and every test of function that this machine can run: make test. What measures: make test-measured (SHORT=1).

Ends with a table of the suites and one line of counts. What could not be run here is named above it.
"""

import argparse
import shutil
import sys
import time
from collections import Counter

from rich.table import Table

from scripts import lint, runtime_docker, runtime_local
from scripts.output import console, fail
from scripts.test_suites import REPORTS, Suite, functional, measuring


def run(suites: list[Suite]) -> list[tuple[str, float, Counter[str]]]:
    """The name, seconds and counts of each suite."""
    rows = []
    for suite in suites:
        started = time.monotonic()
        counts = suite.run()
        rows.append((suite.name, time.monotonic() - started, counts))
    return rows


def show(rows: list[tuple[str, float, Counter[str]]]) -> None:
    """A table: what each suite took, and how its tests ended."""
    table = Table("suite", "seconds", "passed", "failed", "skipped", "met", "not met", "too busy to tell")
    for name, seconds, counts in rows:
        numbers = (counts[column] for column in ("passed", "failed", "skipped", "met", "not met", "too busy"))
        table.add_row(name, f"{seconds:.0f}", *(str(number or "-") for number in numbers))
    console.print(table)


def main() -> int:
    """Run what is asked for; exit status 1 when anything failed."""
    parser = argparse.ArgumentParser(prog="test", description=__doc__)
    parser.add_argument("what", nargs="*", choices=["function", "measured"], default=["function"])
    parser.add_argument("--short", action="store_true", help="fewer generated inputs, and each measurement once")
    asked = parser.parse_args()
    for runtime in (runtime_local, runtime_docker):
        if runtime.is_up():
            fail("The stack is running, and the tests start and stop it themselves. First: make down")
    shutil.rmtree(REPORTS, ignore_errors=True)
    REPORTS.mkdir(parents=True)
    docker = runtime_docker.answers() and runtime_docker.missing_image() is None
    started = time.monotonic()
    rows = []
    if "function" in asked.what:
        console.rule("linters")
        failed = lint.main()
        rows.append(("linters", time.monotonic() - started, Counter(passed=int(not failed), failed=failed)))
        rows += run(functional(docker))
    if "measured" in asked.what:
        rows += run(measuring(docker, asked.short))
    console.rule(f"{time.monotonic() - started:.0f} seconds")
    show(rows)
    if not docker:
        console.print("Left out: the stack on Docker: no engine answers here, or the base images cannot be had.")
    total = sum((counts for _, _, counts in rows), Counter[str]())
    if "measured" in asked.what:
        console.print(f"Measured: {total['met']} met, {total['not met']} not met, {total['too busy']} this machine was too busy to tell.")
    console.print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    return int(total["failed"] > 0)


if __name__ == "__main__":
    sys.exit(main())

"""Linters and every test of function that this machine can run: make test. What measures: make test-measured (SHORT=1).

Ends with a table of the suites and one line of counts. What could not be run here is named above it.
"""

import argparse
import shutil
import signal
import sys
import time
from collections import Counter

from rich.table import Table

from scripts import lint, runtime_docker, runtime_local, test_place
from scripts.output import console, fail
from scripts.test_suites import REPORTS, Suite, functional, measuring


def run(suites: list[Suite], docker: bool) -> list[tuple[str, float, Counter[str]]]:
    """The name, seconds and counts of each suite."""
    rows = []
    for suite in suites:
        started = time.monotonic()
        counts = suite.run(docker)
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
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # ignored under nohup, and then to stay so
            signal.signal(number, interrupt)
    with test_place.alone():
        return everything(asked.what, asked.short)


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def everything(what: list[str], short: bool) -> int:
    """Run it, show it; exit status 1 when anything failed."""
    test_place.end_earlier_run(runtime_docker.answers())
    for runtime in (runtime_local, runtime_docker):
        if runtime.is_up():
            fail("The stack is running, and the tests start and stop it themselves. First: make down")
    docker = runtime_docker.answers() and runtime_docker.missing_image() is None
    shutil.rmtree(REPORTS, ignore_errors=True)
    REPORTS.mkdir(parents=True)
    started = time.monotonic()
    rows = []
    if "function" in what:
        console.rule("linters")
        failed = lint.main()
        rows.append(("linters", time.monotonic() - started, Counter(passed=int(not failed), failed=failed)))
        rows += run(functional(docker), docker)
    if "measured" in what:
        rows += run(measuring(docker, short), docker)
    if docker:
        test_place.remove_images()
    console.rule(f"{time.monotonic() - started:.0f} seconds")
    show(rows)
    if not docker:
        console.print("Left out: the stack on Docker: no engine answers here, or the base images cannot be had.")
    total = sum((counts for _, _, counts in rows), Counter[str]())
    if "measured" in what:
        console.print(f"Measured: {total['met']} met, {total['not met']} not met, {total['too busy']} this machine was too busy to tell.")
    console.print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    return int(total["failed"] > 0)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        console.print("Interrupted; nothing is left running.")
        sys.exit(130)

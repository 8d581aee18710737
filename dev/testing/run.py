"""Run the linters and every functional test that this machine can run: make test. Measurements: make test-measured (SHORT=1).

Ends with a table of the suites and one line of counts, and names above it what could not run here.
"""

import argparse
import shutil
import signal
import sys
import time
from collections import Counter

from rich.table import Table

from dev.testing import lanes as test_lanes
from dev.testing import place as test_place
from dev.testing.suites import FEW, MANY, REPORTS, SOME, Row, Suite, functional, measuring
from runtime.checks import tested_images as tested
from runtime.console import console, fail
from runtime.docker import stack as runtime_docker
from runtime.local import stack as runtime_local


def show(rows: list[Row]) -> None:
    """Print a table of each suite's duration and outcomes."""
    table = Table("suite", "seconds", "passed", "failed", "skipped", "met", "not met", "too busy to tell")
    for name, seconds, counts in rows:
        numbers = (counts[column] for column in ("passed", "failed", "skipped", "met", "not met", "too busy"))
        table.add_row(name, f"{seconds:.0f}", *(str(number or "-") for number in numbers))
    console.print(table)


def main() -> int:
    """Run the requested suites; return exit status 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="test", description=__doc__)
    parser.add_argument("what", nargs="*", choices=["function", "measured"], default=["function"])
    parser.add_argument("--short", action="store_true", help="fewer generated inputs, and each measurement once")
    asked = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup ignores SIGHUP: keep it ignored
            signal.signal(number, interrupt)
    with test_place.alone():
        return everything(asked.what, asked.short)


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def everything(what: list[str], short: bool) -> int:
    """Run the suites and show the outcomes; return exit status 1 if anything failed."""
    test_place.end_earlier_run(runtime_docker.answers())
    for runtime in (runtime_local, runtime_docker):
        if runtime.is_up():
            fail("The stack is running, and the tests start and stop it themselves. First: make down")
    docker = runtime_docker.answers() and runtime_docker.missing_image() is None
    shutil.rmtree(REPORTS, ignore_errors=True)
    REPORTS.mkdir(parents=True)
    started = time.monotonic()
    suites: list[Suite] = []
    if "function" in what:
        # If both are requested, the search through generated inputs runs only once.
        suites += functional(docker, SOME if "measured" in what else FEW)
    if "measured" in what:
        suites += measuring(docker, short, None if "function" in what else SOME if short else MANY)
    rows = test_lanes.run([suite for suite in suites if not suite.quiet])
    for suite in suites:
        if suite.quiet:
            began = time.monotonic()
            counts = suite.run(docker)
            rows.append(Row(suite.name, time.monotonic() - began, counts))
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
    if docker and "function" in what and not total["failed"]:
        tested.record()
    return int(total["failed"] > 0)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        console.print("Interrupted; nothing is left running.")
        sys.exit(130)

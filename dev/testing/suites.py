"""The suites of `make test` and `make test-measured`: which tests run together, in which runtime, with how many generated inputs."""

import json
import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, NamedTuple

from dev import lint
from dev.testing import place as test_place
from runtime.compose_file import ROOT
from runtime.console import console

REPORTS = ROOT / ".run" / "tests"
FUNCTION, MEASURED, TAKES_LONG = ("-m", "not measured and not long"), ("-m", "measured"), ("-m", "long")
TOO_BUSY = "this machine was too busy to tell"  # the skip message of tests/measured.py
NONE_SELECTED = 5  # pytest's exit status
# The applications' tests. They run in one runtime, since they reach the stack only through Nginx.
THROUGH_NGINX, PAGE = ["tests/conformance", "tests/differential"], ["tests/page"]
# Numbers of generated inputs. `make test` sends enough to show that each family of endpoints works; a search for rare failures is long.
FEW = {"CONTRACT_EXAMPLES": "10", "DIFFERENTIAL_EXAMPLES": "60", "BOARD_SEQUENCES": "40", "MALFORMED_REQUESTS": "1000"}
SOME = {"CONTRACT_EXAMPLES": "20", "DIFFERENTIAL_EXAMPLES": "150", "BOARD_SEQUENCES": "80", "MALFORMED_REQUESTS": "2500"}
MANY = {
    "CONTRACT_EXAMPLES": "300",
    "DIFFERENTIAL_EXAMPLES": "2000",
    "BOARD_SEQUENCES": "2000",
    "MALFORMED_REQUESTS": "20000",
}
REPEATS = {"LIES_TIMES": "3", "CHAOS_REPEATS": "all"}
LAB_LESSONS, STACK_LESSONS = "tests/lessons/test_in_the_laboratory.py", "tests/lessons/test_on_the_stack.py"
LONG = ["tests/differential", "tests/conformance/test_malformed.py", "tests/conformance/test_contract.py"]


class Row(NamedTuple):
    """A suite's outcome."""

    name: str
    seconds: float
    counts: Counter[str]


@dataclass
class Suite:
    """One run of pytest, under a guard that ends its orphans. A suite without arguments runs the linters."""

    name: str
    arguments: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    stack: bool = True  # whether it starts stacks, which then use this run's ports and names
    seconds: float = 0.0  # its typical duration beside other suites: the longest start first

    @property
    def quiet(self) -> bool:
        """Whether the suite measures, so that no other suite may run beside it."""
        return "measured" in self.arguments

    @property
    def browser(self) -> bool:
        """Whether the suite opens the page. Chromium aborts the page's requests when a Docker network is created or removed."""
        return not self.quiet and bool({*PAGE} & {*self.arguments})

    @property
    def networks(self) -> bool:
        """Whether Docker networks are created and removed while the suite runs."""
        return self.environment.get("RUNTIME") == "docker"

    def may_run_beside(self, others: Iterable["Suite"]) -> bool:
        """Whether this suite and the running suites do not disturb each other."""
        return not any((self.browser and other.networks) or (self.networks and other.browser) for other in others)

    def to_json(self) -> str:
        """Return the suite as JSON; another process restores it with ``Suite(**json.loads(text))``."""
        return json.dumps(asdict(self))

    def run(self, docker: bool) -> Counter[str]:
        """Run the suite; return its tests counted by outcome, plus one failure if it left anything. Its output is not captured."""
        console.rule(self.name)
        REPORTS.mkdir(parents=True, exist_ok=True)
        if not self.arguments:
            failed = lint.main()
            return Counter(passed=int(not failed), failed=failed)
        report, left = (REPORTS / f"{self.name.replace(' ', '-')}.{kind}" for kind in ("xml", "left"))
        own = test_place.environment() if self.stack else {}
        words = ["-q", "--durations=10", "--durations-min=2", f"--junitxml={report}", *self.arguments]
        status = guarded(left, [sys.executable, "-m", "pytest", *words], {test_place.MARK: test_place.NAME, **own, **self.environment})
        found = Counter[str]()
        if status != NONE_SELECTED:
            found = counted(ElementTree.parse(report).getroot()[0], status) if report.is_file() else Counter(failed=1)  # noqa: S314  our own report
        lines = left.read_text().splitlines() if left.is_file() else ["unknown, since the guard of the suite was killed"]
        lines += [*(test_place.remove_containers() if docker else []), *test_place.listeners(own)]
        for line in lines:
            console.print(f"Left behind by this suite: {line}", markup=False)
        found["failed"] += bool(lines)
        return found


def guarded(left: Path, command: list[str], environment: dict[str, str]) -> int:
    """Run a command under a guard; return its exit status. On an interrupt, end the command and wait until all its processes are gone."""
    guard = start_guard(left, command, environment)
    try:
        return guard.wait()
    finally:
        end_guard(guard)


def start_guard(
    left: Path, command: list[str], environment: dict[str, str], folder: Path = ROOT, output: IO[str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a command under dev/testing/guard.py; ``folder`` is its checkout, and ``output`` an optional file for its output."""
    # The guard has its own session: Ctrl-C or a signal to the process group reaches only this process, and the guard then cleans up.
    words = [sys.executable, "-m", "dev.testing.guard", str(left), *command]
    given = {**os.environ, **environment}
    return subprocess.Popen(words, cwd=folder, env=given, stdin=subprocess.PIPE, stdout=output, stderr=output, start_new_session=True)


def end_guard(guard: subprocess.Popen[bytes]) -> None:
    """Tell a guard to end its command if it still runs, and wait until all its processes are gone."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if guard.poll() is None else ():
        signal.signal(number, signal.SIG_IGN)  # a second signal must not end this process before its guard is done
    assert guard.stdin
    guard.stdin.close()
    guard.wait()


def counted(report: ElementTree.Element, status: int) -> Counter[str]:
    """Count the outcomes in pytest's report, and separately those of measurements."""
    found: Counter[str] = Counter()
    for case in report.iter("testcase"):
        skipped = case.find("skipped")
        failed = case.find("failure") is not None or case.find("error") is not None
        busy = skipped is not None and TOO_BUSY in (skipped.get("message") or "")
        found["failed" if failed else "skipped" if skipped is not None else "passed"] += 1
        if any(one.get("name") == "measured" for one in case.iter("property")):
            found["not met" if failed else "too busy" if busy else "met"] += 1
    if status and not found["failed"]:
        found["failed"] = 1
    return found


def functional(docker: bool, inputs: Mapping[str, str] = FEW) -> list[Suite]:
    """Return the suites of `make test`, none of which checks a duration, a rate or a latency."""
    # Two processes, each with whole files: the tests wait as much as they compute.
    unit = Suite("unit", ["tests/unit", "--numprocesses=2", "--dist=loadfile", *FUNCTION], stack=False, seconds=260)
    laboratory = Suite("laboratory", ["tests/lab", "tests/browser", "tests/lessons", *FUNCTION], stack=False, seconds=180)
    found = [Suite("linters", [], stack=False, seconds=40), unit, laboratory]
    found.append(Suite("local processes", ["tests/local", *FUNCTION], {"RUNTIME": "local"}, seconds=430))
    runtime = {"RUNTIME": "docker" if docker else "local"}
    found.append(Suite("through Nginx", [*THROUGH_NGINX, *FUNCTION], {**runtime, **inputs}, seconds=360))
    found.append(Suite("page", [*PAGE, *FUNCTION], {"RUNTIME": "local"}, seconds=190))
    if docker:
        found.append(Suite("Docker", ["tests/docker", *FUNCTION], runtime, seconds=540))
        smoke = [*THROUGH_NGINX, "-m", "smoke and not measured and not long"]
        found.append(Suite("smoke on local processes", smoke, {"RUNTIME": "local", **FEW}, seconds=40))
    return found


def measuring(docker: bool, short: bool, inputs: Mapping[str, str] | None) -> list[Suite]:
    """Return the suites of `make test-measured`; ``short`` runs each measurement once, and ``inputs`` adds a search through inputs."""
    runtime = {"RUNTIME": "docker" if docker else "local"}
    repeats = {} if short else REPEATS
    alone = ["tests/unit", "tests/lab", "tests/browser", "tests/lies", LAB_LESSONS]
    found = [
        Suite("long units", ["tests/unit", *TAKES_LONG], stack=False, seconds=180),
        Suite("long laboratory", ["tests/lab", *TAKES_LONG], stack=False, seconds=420),
        Suite("long on local processes", ["tests/local", *TAKES_LONG], {"RUNTIME": "local"}, seconds=240),
        Suite("measured without a stack", [*alone, *MEASURED], repeats, stack=False),
        Suite("measured on local processes", ["tests/local", *MEASURED], {"RUNTIME": "local"}),
        Suite("measured through Nginx", [*THROUGH_NGINX, *PAGE, STACK_LESSONS, *MEASURED], runtime),
    ]
    if inputs:
        found.append(Suite("many inputs", LONG, {**runtime, **inputs}, seconds=600))
    if not short:
        found.append(Suite("all departures", ["tests/local/test_departures.py"], {"RUNTIME": "local", "DEPARTURES": "all"}, seconds=300))
    if docker:
        found.append(Suite("long on Docker", ["tests/docker", *TAKES_LONG], runtime, seconds=70))
        found.append(Suite("measured on Docker", ["tests/docker", *MEASURED], {**runtime, **repeats}))
    return found

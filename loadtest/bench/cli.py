"""The command line: python -m loadtest.bench. Each option is also a variable of the same name: make bench QUICK=1 SEED=7.

Exit status: 0 measured, whether the aims are met or not; 1 a request failed or a server did not start; 2 bad usage; 130
interrupted.
"""

import json
import os
import platform
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from rich.console import Console

from loadtest.bench import data
from loadtest.bench.cells import CELLS, all_commands, new_ports
from loadtest.bench.images import Image, images
from loadtest.bench.load import CONNECTIONS
from loadtest.bench.measure import apart, run
from loadtest.bench.memory import Part, containers, idle_stack
from loadtest.bench.report import Report, as_dict, show
from loadtest.bench.results import Costs, Sample
from loadtest.engine.manifest import cpu_model
from runtime import proc
from runtime.compose_file import ROOT
from runtime.local.plan import RUN, make_plan
from runtime.servers import ServerFailed, Servers

Found = TypeVar("Found")
ROUNDS, QUICK_ROUNDS = 15, 5
PACKAGES = ("flask", "fastapi", "django", "gunicorn", "uvicorn", "uvicorn-worker", "daphne", "uvloop", "httptools", "sqlalchemy", "psycopg")
PLAIN_WIDTH = 140  # of a table that does not go to a terminal
NOT_LINUX = "CPU time and memory are read from Linux's /proc, which this system has not: only images and containers are looked at."


class Parser(ArgumentParser):
    """A parser that reports an error as one sentence."""

    def error(self, message: str) -> NoReturn:
        """Print the error, with the option named as its environment variable, and exit with status 2."""
        self.exit(2, f"bench: {re.sub(r'^argument --(.+?): ', lambda found: f'{found[1].upper()} is ', message)}\n")


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Return an argparse type that accepts whole numbers from ``least`` to ``most``."""

    def parse(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise ArgumentTypeError(f"{text!r}; accepted: a whole number from {least} to {most}")
        return int(text)

    return parse


def options(arguments: Sequence[str], environ: Mapping[str, str]) -> Namespace:
    """Return the options, from the command line, else from the environment."""
    parser = Parser(prog="python -m loadtest.bench", description="CPU time of a request, memory, and image sizes, beside their aims.")
    quick = environ.get("QUICK", "") not in ("", "0")
    parser.add_argument("--quick", action="store_true", default=quick, help=f"{QUICK_ROUNDS} rounds")
    parser.add_argument(
        "--rounds",
        type=whole_number(1, 100),
        default=environ.get("ROUNDS") or None,
        help=f"default {QUICK_ROUNDS} with --quick, else {ROUNDS} or what fits in three minutes",
    )
    parser.add_argument(
        "--seed", type=whole_number(0, 2**32), default=environ.get("SEED") or None, help="of the cells' order; default a new one"
    )
    parser.add_argument("--json", action="store_true", help="print JSON on standard output in place of the tables")
    found = parser.parse_args(arguments)
    found.least = None if found.rounds else QUICK_ROUNDS  # a requested number of rounds is never reduced
    found.rounds = found.rounds or (QUICK_ROUNDS if found.quick else ROUNDS)
    found.seed = random.SystemRandom().randrange(10**6) if found.seed is None else found.seed
    return found


def manifest(chosen: Namespace, meter: str, own_cpu: bool) -> dict[str, Any]:
    """Return the facts without which the measured numbers cannot be interpreted."""
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "seed": chosen.seed,
        "rounds": chosen.rounds,
        "connections": CONNECTIONS,
        "meter": meter,
        "own_cpu": own_cpu,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpu": cpu_model(),
        "cpus": os.cpu_count(),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "nginx": make_plan().nginx_is if proc.SUPPORTED else "",
    }


def commit() -> str:
    """Return the checked-out commit, marked if files differ from it; empty without Git."""
    try:
        return subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    except OSError:
        return ""


def measure_all(chosen: Namespace, folder: Path, meter: Callable[[list[int]], float], progress: "Progress") -> list[Sample]:
    """Measure all cells. Raise ServerFailed if a server does not start."""
    with apart() as move_off, Servers(folder) as servers:
        progress("starting the servers")
        plan = make_plan(live=False)
        ports = new_ports(plan)
        data.start(servers, plan, folder, ports)
        commands = all_commands(plan, ports, folder)
        for name, command in commands.items():
            servers.start(name, command)
        servers.wait_until_ready(commands)
        move_off()
        samples = run(CELLS, servers, meter, chosen.rounds, chosen.seed, progress, chosen.least)
        chosen.rounds = max((sample.round for sample in samples), default=0)
    return samples


def part(what: str, measured: Callable[[], Found], otherwise: Found, failed: list[str]) -> Found:
    """Return what ``measured`` returns. If it fails, print why and return ``otherwise``, so that the rest of the report is kept."""
    try:
        return measured()
    except (ServerFailed, OSError, ValueError, subprocess.SubprocessError) as error:
        failed.append(what)
        print(f"bench: {what} could not be measured: {error}", file=sys.stderr)
        return otherwise


class Progress:
    """Print a line on standard error for each new stage."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.stage = ""

    def __call__(self, stage: str) -> None:
        if stage != self.stage:
            self.stage = stage
            print(f"  {time.monotonic() - self.started:4.0f} s  {stage}", file=sys.stderr, flush=True)


def bench(chosen: Namespace) -> int:
    """Measure, print the report and return the exit status."""
    progress = Progress()
    print(f"Seed {chosen.seed}.", file=sys.stderr)
    (RUN / "bench").mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=RUN / "bench"))
    failed: list[str] = []
    facts = manifest(chosen, "none", own_cpu=False)
    idle: list[Part] = []
    samples: list[Sample] = []
    try:
        used = part("memory of the containers", containers, None, failed)
        if proc.SUPPORTED:
            meter, name = proc.choose_meter()
            progress("memory of the idle stack")  # first: other processes with the same files share pages and would make it look smaller
            idle = part("memory of the idle stack", lambda: idle_stack(folder), [], failed)
            samples = part("CPU time", lambda: measure_all(chosen, folder, meter, progress), [], failed)
            facts = manifest(chosen, name, own_cpu=len(os.sched_getaffinity(0)) > 1)
        else:
            print(NOT_LINUX, file=sys.stderr)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    no_images: tuple[list[Image], list[str]] = ([], ["Docker could not be asked."])
    found, missing = part("sizes of images", images, no_images, failed)
    report = Report(facts, Costs(samples), idle, used, found, missing)
    if chosen.json:
        print(json.dumps(as_dict(report), indent=1))
    else:
        show(report, Console(markup=False, highlight=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH))
    return int(bool(report.failed or failed))


def main(arguments: Sequence[str]) -> int:
    """Run the command that ``arguments`` name and return the exit status."""
    chosen = options(arguments, os.environ)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends like Ctrl-C, so that no server keeps running
    try:
        return bench(chosen)
    except ServerFailed as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench: interrupted; nothing is left running.", file=sys.stderr)
        return 130

"""``chaos``: inject faults into a stack of its own under load, and report what each fault cost."""

import json
import os
import platform
import shlex
import signal
import sys
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from loadtest.chaos import SETTINGS
from loadtest.chaos.faults import faults
from loadtest.commands.options import default, some_of, truth
from loadtest.commands.running import NOTHING_LEFT, RefusedError, StoppedError, alone, logged, room_for_results


def add(commands: Any, environ: Mapping[str, str]) -> None:
    """Add the command to the parser."""
    names = tuple(faults())
    parser = commands.add_parser(
        "chaos",
        help="faults on a stack of its own under load: what each one cost",
        description=f"Faults: {', '.join(names)}. Each option is also an environment variable of its name in capitals.",
    )
    parser.add_argument(
        "--faults", type=some_of(names), default=default(environ, "f"), help="which, with spaces between (F=; default all of the own stack)"
    )
    parser.add_argument(
        "--short", type=truth, nargs="?", const=True, default=default(environ, "short", "0"), help="a few, on the configured stack alone"
    )
    parser.add_argument(
        "--plain", type=truth, nargs="?", const=True, default=default(environ, "plain", "0"), help="the plain setting alone"
    )
    parser.add_argument("--results", type=Path, default=default(environ, "results", "results"), help="folder for reports (default results)")
    parser.add_argument("--json", action="store_true", help="print chaos.json on standard output in place of the table")
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Run the suite. Exit status 0 where the configured stack kept every promise and nothing failed."""
    from loadtest.chaos.faults import cases
    from loadtest.chaos.report import PLAIN_WIDTH, show, write
    from loadtest.chaos.results import CaseResult, ChaosResults
    from loadtest.chaos.run import FULL, SHORT
    from loadtest.chaos.run import run as run_setting
    from loadtest.engine.variants import EngineError
    from loadtest.engine.watchdog import watchdog
    from runtime.docker import stack as runtime_docker

    out = sys.stderr if arguments.json else sys.stdout

    def tell(text: str) -> None:
        print(text, file=out, flush=True)

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    chosen = cases(arguments.faults or (), arguments.short)
    settings = SETTINGS[1:] if arguments.plain else SETTINGS[:1] if arguments.short else SETTINGS
    found: list[CaseResult] = []
    failures: list[str] = []
    ended, status = "", 0

    def failed(what: str, error: Exception) -> None:
        log = logged(error, f"chaos-{len(failures) + 1}")
        failures.append(f"{what} failed: {type(error).__name__}: {error} Its log: {log}")
        tell(failures[-1])

    try:
        room_for_results(arguments.results)
        if not runtime_docker.answers():
            raise RefusedError("No Docker engine with Compose answers, and the chaos suite runs on Docker only. Start Docker first")
        if missing := runtime_docker.missing_image():
            raise RefusedError(f"The image {missing} is not here and cannot be pulled")
        with alone(), watchdog():
            for setting in settings:
                run_setting(setting, chosen, SHORT if arguments.short else FULL, tell, found.append, failed)
    except RefusedError as error:
        raise StoppedError(f"loadtest: {error}.", 2) from None
    except EngineError as error:
        ended, status = str(error), 1
    except KeyboardInterrupt:
        ended, status = "interrupted.", 130
    if not found:
        raise StoppedError(f"loadtest: {ended or 'No fault could be measured.'} {NOTHING_LEFT}", status or 1) from None
    results = ChaosResults(found, facts(command(arguments)))
    try:
        place = write(results, arguments.results)
    except OSError as error:
        raise StoppedError(f"loadtest: the report cannot be written: {error.strerror} ({error.filename})", 1) from None
    if arguments.json:
        print(json.dumps(asdict(results), indent=1))
    else:
        show(results, Console(highlight=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH))
    for sentence in failures:
        tell(sentence)
    tell(f"Report: {place / 'report.html'}")
    if ended:
        total = len(chosen) * len(settings)
        raise StoppedError(f"loadtest: {ended} {len(found)} of {total} faults are in the report. Nothing is left running.", status)
    broke = [one.name.split()[0] for one in found if one.setting == settings[0] and not one.kept]
    tell(f'Next: make chaos F="{" ".join(dict.fromkeys(broke))}"' if broke else "Next: make chaos" if arguments.short else "Next: make lab")
    return 0 if results.fine and not failures else 1


def facts(command: str) -> dict[str, Any]:
    """Return the conditions that a reader needs beside the numbers."""
    from loadtest.engine.manifest import commit, cpu_model

    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "commit": commit(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpu": cpu_model(),
        "cpus": os.cpu_count(),
    }


def command(arguments: Namespace) -> str:
    """Return the command that repeats the run."""
    words = ["make", "chaos", *([f"F={' '.join(arguments.faults)}"] if arguments.faults else [])]
    return shlex.join([*words, *["SHORT=1"] * arguments.short, *["PLAIN=1"] * arguments.plain])

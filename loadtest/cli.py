"""The command line: ``python -m loadtest load``. Options come from it, else from the environment, else the defaults here.

Exit status: 0 all fine, 1 a failed request or a row that is not valid, 2 bad usage, 130 interrupted.
"""

import logging
import os
import re
import resource
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from rich.console import Console

from loadtest.parameters import WORKLOAD_NUMBERS, Number, Parameters
from loadtest.stack import StackError, default_target, target_url
from loadtest.workloads import SERVICES, WORKLOADS, services_of

RUN_NUMBERS = {
    "users": Number(int, 64, 1, 100_000, "users at once, each asking again as soon as it has its answer"),
    "seconds": Number(float, 15, 0.1, 3600, "length of the measured window of each service"),
    "warmup": Number(float, 2, 0, 600, "seconds before it, at least; discarded, and over when every user had an answer"),
}
LONGEST_REQUEST_SECONDS = 30
# Files that are open beside the users' connections.
OTHER_FILES = 64
# Columns of a table that does not go to a terminal.
PLAIN_WIDTH = 140
INTERRUPTED = "loadtest: interrupted; nothing was written and nothing is left running."


class Parser(ArgumentParser):
    """A parser whose errors are one sentence that names the setting as the environment does."""

    def error(self, message: str) -> NoReturn:
        """Print the sentence and exit with status 2."""
        named = re.sub(r"^argument --(\w+): ", lambda match: f"{match[1].upper()} is ", message)
        self.exit(2, f"loadtest: {named}\n")


def workload(text: str) -> str:
    """The name of a workload; a type for argparse."""
    if text not in WORKLOADS:
        raise ArgumentTypeError(f"{text!r}; accepted: {', '.join(WORKLOADS)}")
    return text


def services(text: str) -> tuple[str, ...]:
    """Names of services, separated by spaces or commas; a type for argparse."""
    names = tuple(dict.fromkeys(text.replace(",", " ").split()))
    if not names or not set(names) <= set(SERVICES):
        raise ArgumentTypeError(f"{text!r}; accepted: one or more of {', '.join(SERVICES)}")
    return names


def parser(environ: Mapping[str, str]) -> Parser:
    """The parser, with the environment's values as defaults: argparse checks those too."""

    def default(name: str, otherwise: object) -> str | None:
        return environ.get(name.upper()) or (None if otherwise is None else str(otherwise))

    top = Parser(prog="python -m loadtest", description="Load on the running stack.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    load = commands.add_parser(
        "load",
        help="the same users on one service after another: predicted and measured",
        description="Each option is also an environment variable of the same name in capitals (S is short for SERVICES).",
    )
    load.add_argument("--workload", type=workload, default=default("workload", "wait"), help=f"{', '.join(WORKLOADS)} (default wait)")
    load.add_argument(
        "--services",
        type=services,
        default=environ.get("S") or default("services", None),
        help=f"in this order (default: those of {' '.join(SERVICES)} that serve the workload)",
    )
    for name, number in (RUN_NUMBERS | WORKLOAD_NUMBERS).items():
        help_text = f"{number.meaning}; {number.accepted} (default {number.default:g})"
        load.add_argument(f"--{name}", type=number.parse, default=default(name, number.default), help=help_text)
    target = default_target(environ)
    load.add_argument("--target", type=target_url, default=default("target", target), help=f"where Nginx is (default {target})")
    load.add_argument("--results", type=Path, default=default("results", "results"), help="folder for reports (default results)")
    load.add_argument("--json", action="store_true", help="print results.json on standard output in place of the table")
    load.set_defaults(run=run_load_command)
    return top


def usage_error(options: Namespace) -> str | None:
    """What is wrong with options that are each right, in a sentence."""
    served = services_of(WORKLOADS[options.workload])
    if missing := [name for name in options.services or () if name not in served]:
        return f"SERVICES is {' '.join(missing)!r}; accepted with WORKLOAD={options.workload}: {', '.join(served)}"
    if options.workload == "upstream" and options.wait * options.calls > LONGEST_REQUEST_SECONDS:
        return f"WAIT times CALLS is {options.wait * options.calls:g}; accepted: at most {LONGEST_REQUEST_SECONDS} seconds"
    if options.workload in ("stream", "events") and options.chunks * options.interval > LONGEST_REQUEST_SECONDS:
        return f"CHUNKS times INTERVAL is {options.chunks * options.interval:g}; accepted: at most {LONGEST_REQUEST_SECONDS} seconds"
    files = raise_file_limit()
    if options.users + OTHER_FILES > files:
        return f"USERS is {options.users}; accepted here: at most {files - OTHER_FILES}, for each has an open file of the {files} allowed"
    return None


def raise_file_limit() -> int:
    """Raise this process's limit of open files to what the system allows, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):  # macOS names no limit and then refuses it
        return soft
    return sys.maxsize if hard == resource.RLIM_INFINITY else hard


def run_load_command(arguments: Namespace) -> int:
    """Run the first lesson and print what it found."""
    if wrong := usage_error(arguments):
        return say(f"loadtest: {wrong}", 2)
    import locust  # noqa: F401  not at the top: it takes a second, and patches what is imported after it

    from loadtest.load import run_load
    from loadtest.report import as_json, table, write
    from loadtest.results import Options
    from loadtest.sentences import next_command
    from loadtest.terminal import InterruptError, Progress, interruptible

    logging.disable(logging.WARNING)  # Locust warns of what is wanted here (all users at once) or judged here (its CPU)
    options = Options(
        workload=arguments.workload,
        services=arguments.services or services_of(WORKLOADS[arguments.workload]),
        users=arguments.users,
        seconds=arguments.seconds,
        warmup=arguments.warmup,
        parameters=Parameters(**{name: getattr(arguments, name) for name in WORKLOAD_NUMBERS}),
        target=arguments.target,
    )
    progress = Progress()
    try:
        results = interruptible(lambda: run_load(options, progress))
    except StackError as error:
        return say(f"loadtest: {error} Start the stack with: make up", 2)
    except InterruptError:
        return say(INTERRUPTED, 130)
    finally:
        progress.end()

    if arguments.json:
        print(as_json(results))
    else:
        console = Console(markup=False, highlight=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH)
        console.print(table(results))
        print(results.seen)
    out = sys.stderr if arguments.json else sys.stdout
    try:
        print(f"Report: {write(results, arguments.results)}", file=out)
    except OSError as error:
        return say(f"loadtest: the report cannot be written to {arguments.results}: {error.strerror}", 1)
    print(f"Next: {next_command(results)}", file=out)
    return 0 if results.fine else 1


def say(sentence: str, status: int) -> int:
    """Print a sentence on standard error and return the exit status that goes with it."""
    print(sentence, file=sys.stderr)
    return status


def main(arguments: Sequence[str]) -> int:
    """Run the command that ``arguments`` name and return the exit status."""
    try:
        chosen = parser(os.environ).parse_args(arguments)
        return int(chosen.run(chosen))
    except KeyboardInterrupt:  # before or after the run itself
        return say(INTERRUPTED, 130)

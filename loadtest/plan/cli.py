"""``python -m loadtest plan``: from a demand and a measured profile to configurations. It creates no load itself.

Exit status: 0 there is a plan, 1 there is none, 2 wrong usage, or there is no profile and no means to measure one.
"""

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from loadtest.generator.parameters import Number
from loadtest.plan.planner import NoPlan, Plan, impossible, plans
from loadtest.plan.predict import Demand
from loadtest.plan.profile import PROFILES, SERVICES, MeasureProfile, Profile, ProfileError, read, write
from loadtest.plan.table import as_json, sentence, table

# Columns of a table that is not printed to a terminal.
PLAIN_WIDTH = 140
NUMBERS = {
    "wait": Number(float, 0.1, 0, 30, "seconds that a request waits for something else"),
    "cpu": Number(float, 0.004, 0, 30, "seconds of CPU time of the application's own code, for each request"),
    "rate": Number(float, 800, 0.001, 100_000, "requests a second, arriving at random"),
    "p99": Number(float, 0.3, 0.0001, 3600, "seconds within which 99 of 100 requests shall have their answer"),
    "cores": Number(int, 0, 0, 10_000, "cores that there are; 0: as many as needed"),
    "memory": Number(float, 0, 0, 1e9, "MiB of memory that there are; 0: as many as needed"),
}


def add_arguments(parser: ArgumentParser, environ: Mapping[str, str] = os.environ) -> None:
    """Add the options, with the environment's values as defaults, as text: argparse checks those too."""
    for name, number in NUMBERS.items():
        default = environ.get(name.upper()) or str(number.default)
        help_text = f"{number.meaning}; {number.accepted} (default {number.default:g})"
        parser.add_argument(f"--{name}", type=number.parse, default=default, help=help_text)
    parser.add_argument("--json", action="store_true", help="print the plans as JSON in place of the table")


def run(arguments: Namespace, measure_profile: MeasureProfile | None = None, path: Path = PROFILES) -> int:
    """Print the plans. A service without a profile in ``path`` is measured first by ``measure_profile``."""
    demand = Demand(arguments.wait, arguments.cpu, arguments.rate, arguments.p99, arguments.cores, arguments.memory)
    if wrong := impossible(demand):
        return say(f"{wrong}.", 2)
    try:
        profiles = read(path)
        missing = [service for service in SERVICES if service not in profiles]
        if missing and measure_profile is None:
            return say(f"{path} has no measured profile of {', '.join(missing)}, and without one nothing can be planned.", 2)
        for service in missing:
            assert measure_profile is not None
            say(f"{service} has no measured profile yet: measuring one first, for {path}.", 0)
            profiles[service] = measure_profile(service)
            write(list(profiles.values()), path)
    except ProfileError as error:
        return say(str(error), 2)
    except OSError as error:
        return say(f"{path} cannot be written: {error.strerror}.", 2)
    return show([profiles[service] for service in SERVICES], demand, arguments.json)


def show(profiles: list[Profile], demand: Demand, json: bool) -> int:
    """Print the plans for the demand."""
    found = plans(demand, profiles)
    if json:
        print(as_json(found))
    else:
        console = Console(markup=False, highlight=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH)
        if found.plans:
            console.print(table(found))
        answers: list[Plan | NoPlan] = [*found.plans, *found.without]
        for one in answers:
            print(sentence(one))
    return 0 if found.plans else 1


def say(message: str, status: int) -> int:
    """Print a sentence on standard error and return the exit status that goes with it."""
    print(f"loadtest: {message}", file=sys.stderr)
    return status

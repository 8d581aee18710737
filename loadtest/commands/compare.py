"""``compare``: what changed between two runs by more than the noise."""

import sys
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from loadtest.commands.options import default
from loadtest.commands.running import PLAIN_WIDTH, say
from loadtest.report.compare import compare
from loadtest.report.compare_text import markdown, tables
from loadtest.report.files import read
from loadtest.report.schema import ReportError


def add(commands: Any, environ: Mapping[str, str]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("compare", help="two runs: what changed beyond the noise")
    for name in ("a", "b"):
        parser.add_argument(f"--{name}", default=default(environ, name), help="a folder of results, a results.json, or latest")
    parser.add_argument("--results", type=Path, default=default(environ, "results", "results"), help="where latest is (default results)")
    parser.add_argument("--markdown", action="store_true", help="for a pull request")
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Compare two runs and print the result."""
    if not arguments.a or not arguments.b:
        return say("loadtest: A and B are needed: make compare A=results/<one> B=results/<another>", 2)
    try:
        found = compare(read(arguments.a, arguments.results), read(arguments.b, arguments.results))
    except ReportError as error:
        return say(f"loadtest: {error}", 2)
    if arguments.markdown:
        print(markdown(found))
    else:
        Console(highlight=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH).print(tables(found))
    return 0

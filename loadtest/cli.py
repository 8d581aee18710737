"""The command line: ``python -m loadtest``. An option comes from the command line, else the environment, else its default.

Exit status: 0 everything is valid and as predicted, 1 it is not, 2 wrong usage or a failed precondition, 130 interrupted.
"""

import os
from collections.abc import Mapping, Sequence

from loadtest.commands import chaos, compare, lab, load, plan
from loadtest.commands.options import Parser
from loadtest.commands.running import INTERRUPTED, StoppedError, say


def parser(environ: Mapping[str, str]) -> Parser:
    """Return the parser, with the environment's values as defaults."""
    top = Parser(prog="python -m loadtest", description="The laboratory: experiments on blocking and event-loop concurrency.")
    commands = top.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)
    for command in (lab, load, compare, plan, chaos):
        command.add(commands, environ)
    return top


def main(arguments: Sequence[str]) -> int:
    """Run the command named by ``arguments`` and return the exit status."""
    try:
        chosen = parser(os.environ).parse_args(arguments)
        return int(chosen.run(chosen))
    except StoppedError as error:
        return say(*error.args)
    except KeyboardInterrupt:  # before or after the run itself
        return say(INTERRUPTED, 130)

"""Options from the command line, else from the environment, with a one-sentence message for each invalid value."""

import re
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Mapping
from typing import NoReturn

from loadtest.generator.workloads import SERVICES, WORKLOADS, services_of

RUNTIMES = ("local", "docker")
# Options whose name in the environment is shorter.
SHORT = {"EXPERIMENTS": "X", "SERVICES": "S", "FAULTS": "F"}


class Parser(ArgumentParser):
    """A parser whose errors are one sentence that names the setting as the environment does."""

    def error(self, message: str) -> NoReturn:
        """Print the sentence and exit with status 2."""

        def variable(match: re.Match[str]) -> str:
            name = match[1].upper().replace("-", "_")
            return f"{SHORT.get(name, name)} is "

        self.exit(2, f"loadtest: {re.sub(r'^argument --([a-z-]+)[^:]*: ', variable, message)}\n")


def default(environ: Mapping[str, str], name: str, otherwise: object = None) -> str | None:
    """Return an option's value in the environment, else its default, as text: argparse checks both."""
    return environ.get(name.upper().replace("-", "_")) or (None if otherwise is None else str(otherwise))


def truth(text: str) -> bool:
    """Parse a switch; a type for argparse."""
    if text.lower() not in ("0", "1", "true", "false", "yes", "no"):
        raise ArgumentTypeError(f"{text!r}; accepted: 1 or 0")
    return text.lower() in ("1", "true", "yes")


def one_of(accepted: tuple[str, ...]) -> Callable[[str], str]:
    """Return a parser that accepts one of these words; a type for argparse."""

    def parse(text: str) -> str:
        if text not in accepted:
            raise ArgumentTypeError(f"{text!r}; accepted: {', '.join(accepted)}")
        return text

    return parse


def some_of(accepted: tuple[str, ...], groups: Mapping[str, tuple[str, ...]] | None = None) -> Callable[[str], tuple[str, ...]]:
    """Return a parser for one or more of these words, separated by spaces or commas; a type for argparse.

    A group's name stands for several words.
    """
    groups = groups or {}

    def parse(text: str) -> tuple[str, ...]:
        words = text.replace(",", " ").split()
        names = tuple(dict.fromkeys(name for word in words for name in groups.get(word, (word,))))
        if wrong := [name for name in names if name not in accepted]:
            raise ArgumentTypeError(f"{wrong[0]!r}; accepted: one or more of {', '.join((*accepted, *groups))}")
        if not names:
            raise ArgumentTypeError(f"{text!r}; accepted: one or more of {', '.join((*accepted, *groups))}")
        return names

    return parse


workload = one_of(tuple(WORKLOADS))
services = some_of(SERVICES)


def services_that_serve(name: str) -> tuple[str, ...]:
    """Return the services that can serve a workload."""
    return services_of(WORKLOADS[name])

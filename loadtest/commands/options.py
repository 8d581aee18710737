"""Options: from the command line, else from the environment, with one sentence for one that is wrong."""

import re
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Mapping
from typing import NoReturn

from loadtest.generator.workloads import SERVICES, WORKLOADS, services_of

RUNTIMES = ("local", "docker")
# Names of options in the environment that are shorter there.
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
    """What the environment says of an option, else its default: argparse checks those too."""
    return environ.get(name.upper().replace("-", "_")) or (None if otherwise is None else str(otherwise))


def truth(text: str) -> bool:
    """Whether a switch is on; a type for argparse."""
    if text.lower() not in ("0", "1", "true", "false", "yes", "no"):
        raise ArgumentTypeError(f"{text!r}; accepted: 1 or 0")
    return text.lower() in ("1", "true", "yes")


def one_of(accepted: tuple[str, ...]) -> Callable[[str], str]:
    """One of these words; a type for argparse."""

    def parse(text: str) -> str:
        if text not in accepted:
            raise ArgumentTypeError(f"{text!r}; accepted: {', '.join(accepted)}")
        return text

    return parse


def some_of(accepted: tuple[str, ...], groups: Mapping[str, tuple[str, ...]] | None = None) -> Callable[[str], tuple[str, ...]]:
    """One or more of these words, separated by spaces or commas, or of the groups that stand for several; a type for argparse."""
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
    """The services that can serve a workload."""
    return services_of(WORKLOADS[name])

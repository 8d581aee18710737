"""Numbers that a run takes, each with its range and one default. The command line overrides the environment."""

import math
import sys
from argparse import ArgumentTypeError
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Number:
    """A number from ``low`` to ``high``; ``parse`` is a type for argparse."""

    kind: type[int] | type[float]
    default: float
    low: float
    high: float
    meaning: str

    @property
    def accepted(self) -> str:
        """The range in words."""
        if self.kind is int:
            return f"a whole number from {self.low:.0f} to {self.high:.0f}"
        return f"a number from {self.low:g} to {self.high:g}"

    def parse(self, text: str) -> float:
        """Return the number in ``text``. Raise ArgumentTypeError, which says what is accepted."""
        try:
            number = self.kind(text)
        except ValueError:
            number = math.nan
        if not self.low <= number <= self.high:
            raise ArgumentTypeError(f"{text!r}; accepted: {self.accepted}")
        return number


# The ranges are those of the services' contract.
WORKLOAD_NUMBERS = {
    "wait": Number(float, 0.1, 0, 30, "seconds that a request of wait and block waits, and each call of upstream and query"),
    "work": Number(int, 5, 1, 1000, "units of work of a request of cpu, a thousand hashes each; of query, a thousand rows"),
    "calls": Number(int, 3, 1, 20, "calls to the upstream service of a request of upstream, or to the database of one of query"),
    "chunks": Number(int, 10, 1, 10_000, "pieces of an answer of stream and events"),
    "limit": Number(int, 20, 1, 100, "messages of a request of listing"),
    "interval": Number(float, 0.1, 0, 30, "seconds between two pieces of stream and events"),
}


# For visitors of the notice board.
THINK = Number(float, 3, 0, 600, "seconds that a visitor thinks between two requests, in the mean")


def read_number(environ: Mapping[str, str], name: str, number: Number) -> float:
    """Return a number from the environment; exit with a message if it is invalid."""
    try:
        return number.parse(environ.get(name.upper()) or str(number.default))
    except ArgumentTypeError as error:
        print(f"loadtest: {name.upper()} is {error}", file=sys.stderr)
        sys.exit(2)


@dataclass(frozen=True)
class Parameters:
    """What one request of a workload asks for. ``wait`` and ``interval`` are in seconds."""

    wait: float = WORKLOAD_NUMBERS["wait"].default
    work: int = int(WORKLOAD_NUMBERS["work"].default)
    calls: int = int(WORKLOAD_NUMBERS["calls"].default)
    chunks: int = int(WORKLOAD_NUMBERS["chunks"].default)
    interval: float = WORKLOAD_NUMBERS["interval"].default
    limit: int = int(WORKLOAD_NUMBERS["limit"].default)

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Read ``WAIT``, ``WORK``, ``CALLS``, ``CHUNKS``, ``LIMIT`` and ``INTERVAL``; exit with a message if one is invalid."""
        return cls(**{name: read_number(environ, name, number) for name, number in WORKLOAD_NUMBERS.items()})  # type: ignore[arg-type]

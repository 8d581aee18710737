"""Numbers that a run takes, each with its range and one default: from the command line, else from the environment."""

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
        """The number that ``text`` holds; ArgumentTypeError says what is accepted."""
        try:
            number = self.kind(text)
        except ValueError:
            number = math.nan
        if not self.low <= number <= self.high:
            raise ArgumentTypeError(f"{text!r}; accepted: {self.accepted}")
        return number


# The ranges are those of the services' contract.
WORKLOAD_NUMBERS = {
    "wait": Number(float, 0.1, 0, 30, "seconds that a request of wait and block waits, and each call of upstream"),
    "work": Number(int, 5, 1, 1000, "units of work of a request of cpu, a thousand hashes each"),
    "calls": Number(int, 3, 1, 20, "calls to the upstream service of a request of upstream"),
    "chunks": Number(int, 10, 1, 10_000, "pieces of an answer of stream and events"),
    "interval": Number(float, 0.1, 0, 30, "seconds between two pieces of stream and events"),
}


@dataclass(frozen=True)
class Parameters:
    """What one request of a workload asks for. Seconds for ``wait`` and ``interval``."""

    wait: float = WORKLOAD_NUMBERS["wait"].default
    work: int = int(WORKLOAD_NUMBERS["work"].default)
    calls: int = int(WORKLOAD_NUMBERS["calls"].default)
    chunks: int = int(WORKLOAD_NUMBERS["chunks"].default)
    interval: float = WORKLOAD_NUMBERS["interval"].default

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Read ``WAIT``, ``WORK``, ``CALLS``, ``CHUNKS`` and ``INTERVAL``; exit with a sentence when one is wrong."""
        values = {}
        for name, number in WORKLOAD_NUMBERS.items():
            try:
                values[name] = number.parse(environ.get(name.upper()) or str(number.default))
            except ArgumentTypeError as error:
                print(f"loadtest: {name.upper()} is {error}", file=sys.stderr)
                sys.exit(2)
        return cls(**values)  # type: ignore[arg-type]

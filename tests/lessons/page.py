"""A lesson as written on its page: the command, its short form, the table, and the page's claims."""

import re
import shlex
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from loadtest.metrics import METRICS
from tests.conftest import ROOT

FOLDER = ROOT / "docs" / "workshop"
SECTIONS = ("Question", "Write your prediction", "Run", "What you saw", "Why", "The wrong conclusion", "Exercise", "Held to it")
UNITS = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "": 1.0}
LABELS = {metric.label: metric.name for metric in METRICS.values()}


@dataclass(frozen=True)
class Claim:
    """A line of *Held to it*: a sentence, and the same statement as a formula."""

    sentence: str
    left: str
    operator: str
    right: str
    within: float  # tolerance of an equation or a range, as a share

    def __str__(self) -> str:
        return f"{self.sentence} {self.left} {self.operator} {self.right}"


@dataclass(frozen=True)
class Lesson:
    """The page of one lesson."""

    path: Path

    @cached_property
    def text(self) -> str:
        return self.path.read_text()

    @cached_property
    def title(self) -> str:
        return self.text.splitlines()[0].removeprefix("# ")

    @cached_property
    def minutes(self) -> int:
        return int(only(r"^(\d+) minutes\.", self.text))

    @cached_property
    def sections(self) -> dict[str, str]:
        """The text below each second-level heading."""
        parts = re.split(r"^## (.+)$", self.text, flags=re.MULTILINE)
        return dict(zip(parts[1::2], parts[2::2], strict=True))

    @cached_property
    def command(self) -> str:
        """The one line to type in."""
        return only(r"^```\n(.+)\n```$", self.sections["Run"])

    @property
    def target(self) -> str:
        return shlex.split(self.command)[1]

    @property
    def variables(self) -> dict[str, str]:
        """The variables of the command."""
        return assignments(self.command)

    @cached_property
    def short(self) -> dict[str, str]:
        """The variables that the tests change."""
        return assignments(only(r"`make test-measured` runs it with `(.+?)`", self.sections["Held to it"]))

    @cached_property
    def claims(self) -> list[Claim]:
        lines = re.findall(r"^- (.+): `(.+) ([=<>]|in) (.+)`(?: within (\d+) %)?$", self.sections["Held to it"], re.MULTILINE)
        return [Claim(sentence, left, operator, right, int(within or 0) / 100) for sentence, left, operator, right, within in lines]

    @property
    def names(self) -> set[str]:
        """The cells that the claims mention."""
        return {name for claim in self.claims for name in re.findall('"(.+?)"', f"{claim.left} {claim.right}")}

    @cached_property
    def seen(self) -> dict[str, dict[str, float]]:
        """The table of *What you saw*: numbers by metric, by the cell's name in `results.json` or its beginning."""
        lines = re.findall(r"^\|(.+)\|$", self.sections["What you saw"], re.MULTILINE)
        rows = [[cell.strip() for cell in line.split("|")] for line in lines]
        if not rows:
            return {}
        heading, _, *rows = rows
        keys = 1 + (heading[1] not in LABELS)  # a column for the step
        numbers = {at: LABELS[label] for at, label in enumerate(heading) if label in LABELS}
        seen = {" / ".join(row[:keys]): {name: number(row[at]) for at, name in numbers.items()} for row in rows}
        if "predicted" in heading and "throughput" in numbers.values():
            for row, found in zip(rows, seen.values(), strict=True):
                low, _, high = row[heading.index("predicted")].rpartition(" to ")
                found |= {"predicted_low": number(low or high), "predicted": number(high)}
        return seen

    @cached_property
    def printed(self) -> list[str]:
        """Lines that the command prints exactly like this."""
        return only(r"^```text\n([^`]+)^```$", self.sections["What you saw"]).splitlines()

    def __str__(self) -> str:
        return self.path.stem


def lessons(target: str | None = None) -> list[Lesson]:
    """Return all lessons in order, or those whose command is ``make TARGET``."""
    found = [Lesson(path) for path in sorted(FOLDER.glob("[0-9][0-9]-*.md"))]
    return [one for one in found if target in (None, one.target)]


def only(pattern: str, text: str) -> str:
    """Return the only match of a pattern."""
    (one,) = re.findall(pattern, text, re.MULTILINE)
    return str(one)


def assignments(words: str) -> dict[str, str]:
    """Return the ``NAME=value`` pairs of a command line."""
    return dict(word.split("=", 1) for word in shlex.split(words) if "=" in word)


def number(text: str) -> float:
    """Return the number in a text such as ``1.01 s``, ``201 ms`` or ``1,004``, as the program writes it."""
    matched = re.fullmatch(r"([\d.,]+)(?: (s|ms|µs))?", text)
    assert matched, f"{text!r} is no number"
    value, unit = matched.groups("")
    return float(value.replace(",", "")) * UNITS[unit]

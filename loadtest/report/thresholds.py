"""Thresholds on results, for continuous integration: ``--fail-on 'queue:p99>2.5s'``.

A threshold states the condition that must not occur: EXPERIMENT[CELL]:METRIC OPERATOR VALUE. CELL is a variant, or variant/step.
Without it, the threshold applies to every cell of the experiment. A threshold without a valid number to compare has failed: a
missing number must not let a build pass.
"""

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from loadtest.metrics import METRICS, metric
from loadtest.results import CellResult, ExperimentResult, Results

OPERATORS: dict[str, Callable[[float, float], bool]] = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}
# The accepted units after a number, by the metric's own unit, with the factor that converts to it.
UNITS = {
    "s": {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6},
    "µs": {"us": 1.0, "µs": 1.0, "ms": 1e3, "s": 1e6},
    "MiB": {"MiB": 1.0, "GiB": 1024.0, "KiB": 1 / 1024},
    "KiB": {"KiB": 1.0, "MiB": 1024.0},
}
FORM = re.compile(
    r"\s*(?P<experiment>[^\s:\[\]<>]+)\s*(\[(?P<cell>[^\[\]]+)\])?\s*:\s*(?P<metric>\w+)\s*(?P<sign>[<>]=?)\s*(?P<value>[^<>=]+?)\s*"
)
VALUE = re.compile(r"(?P<number>(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?)\s*(?P<unit>\D*)", re.ASCII)
EXAMPLE = "accepted, for example: queue:p99>2.5s, or thousands[FastAPI, 1 loop/1000]:throughput<900"


class ThresholdError(Exception):
    """A threshold that cannot be parsed. The text is a sentence."""


@dataclass(frozen=True)
class Threshold:
    """A condition that must not occur. ``value`` is in the metric's unit."""

    text: str
    experiment: str
    cell: str | None
    metric: str
    sign: str
    value: float

    def means(self, cell: CellResult) -> bool:
        """Whether the threshold applies to this cell."""
        return self.cell is None or plain(self.cell) in map(plain, (cell.variant, f"{cell.variant}/{cell.step}", cell.key))


@dataclass(frozen=True)
class Answer:
    """The result of a threshold in one cell. ``measured`` is in the metric's unit, ``None`` where there is no valid number."""

    threshold: Threshold
    cell: str | None
    measured: float | None
    passed: bool
    sentence: str


def plain(name: str) -> str:
    """Return a cell's name without the spaces around its slashes."""
    return re.sub(r"\s*/\s*", "/", name.strip())


def parse_all(text: str) -> list[Threshold]:
    """Parse thresholds that are separated by semicolons."""
    return [parse(part) for part in text.split(";") if part.strip()]


def parse(text: str) -> Threshold:
    """Parse one threshold. Raise ThresholdError, which says what is wrong and what is accepted."""
    form = FORM.fullmatch(text)
    if form is None:
        raise ThresholdError(f"{text.strip()!r} is no threshold; {EXAMPLE}.")
    name = form["metric"]
    if name not in METRICS:
        raise ThresholdError(f"{text.strip()!r} names the metric {name!r}; accepted: {', '.join(METRICS)}.")
    value = VALUE.fullmatch(form["value"])
    units = UNITS.get(METRICS[name].unit, {"": 1.0})
    if value is None or value["unit"] not in units:
        accepted = "a number without a unit" if units == {"": 1.0} else f"a number with a unit: {', '.join(units)}"
        raise ThresholdError(f"{text.strip()!r} has the value {form['value']!r}; accepted for {name}: {accepted}.")
    return Threshold(text.strip(), form["experiment"], form["cell"], name, form["sign"], float(value["number"]) * units[value["unit"]])


def evaluate(thresholds: Sequence[Threshold], results: Results) -> list[Answer]:
    """Return an answer for every threshold and every cell that it applies to."""
    results = results.marked()
    return [answer for threshold in thresholds for answer in answers(threshold, results)]


def answers(threshold: Threshold, results: Results) -> list[Answer]:
    """Return at least one answer: a threshold without a cell or a number is a failure too."""
    experiment = next((one for one in results.experiments if one.name == threshold.experiment), None)
    if experiment is None:
        names = ", ".join(one.name for one in results.experiments) or "none"
        return [unanswered(threshold, f"no experiment {threshold.experiment} was run; there are: {names}")]
    meant = [cell for cell in experiment.cells if threshold.means(cell)]
    if not meant:
        keys = "; ".join(cell.key for cell in experiment.cells) or "none"
        return [unanswered(threshold, f"no cell of {experiment.name} is called so; there are: {keys}")]
    found = [answer for cell in meant if (answer := answered(threshold, experiment, cell))]
    return found or [unanswered(threshold, f"no such cell has a measurement of {threshold.metric}")]


def unanswered(threshold: Threshold, why: str) -> Answer:
    """Return the failure of a threshold that has no number to compare."""
    return Answer(threshold, None, None, False, f"{threshold.text}: {why}.")


def answered(threshold: Threshold, experiment: ExperimentResult, cell: CellResult) -> Answer | None:
    """Return the answer for one cell, ``None`` where the cell does not have the metric."""
    where = f"{experiment.name}: {cell.key}"
    if not cell.valid:
        return Answer(threshold, cell.key, None, False, f"{where} is not valid, so {threshold.text} cannot be answered: {cell.not_valid}.")
    if threshold.metric not in cell.estimates:
        return None
    found = cell.estimates[threshold.metric].value
    passed = not OPERATORS[threshold.sign](found, threshold.value)
    what = metric(threshold.metric)
    verdict = "stays within" if passed else "breaks"
    return Answer(threshold, cell.key, found, passed, f"{where}: {what.label} {what.show(found)} {verdict} {threshold.text}.")

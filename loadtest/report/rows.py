"""Results in words, for every form of report: columns, names of cells, numbers with their intervals, the summary."""

from collections.abc import Sequence
from dataclasses import dataclass

from loadtest.judging.advice import advice
from loadtest.metrics import METRICS, duration, metric, number
from loadtest.results import CellResult, Estimate, ExperimentResult, Outcome, Results, Session

MARKS: dict[Outcome, str] = {
    "holds": "✓",
    "holds with a limit": "◐",
    "does not hold": "✗",
    "no difference seen": "≈",
    "not valid": "∅",
    "failed": "!",
}
CHECKED = {True: "passed", False: "not passed", None: "no difference seen"}
CHECK_MARKS = {True: "✓", False: "✗", None: "≈"}


@dataclass(frozen=True)
class Column:
    """A column of an experiment's table: the measured or the predicted values of a metric."""

    metric: str
    predicted: bool

    @property
    def heading(self) -> str:
        """``p99`` or ``p99 predicted``."""
        return metric(self.metric).label + " predicted" * self.predicted

    def text(self, cell: CellResult) -> str:
        """Return the number, or a dash."""
        if self.predicted:
            return predicted(cell, self.metric)
        found = cell.estimates.get(self.metric)
        return metric(self.metric).show(found.value if found else None)

    def interval(self, cell: CellResult) -> str:
        """Return an interval such as ``1.6 to 1.63 s``; empty where there is none."""
        return "" if self.predicted or self.metric not in cell.estimates else interval(self.metric, cell.estimates[self.metric])


def predicted(cell: CellResult, name: str) -> str:
    """Return a prediction, or a range such as ``157 to 197``; a dash where there is none."""
    high, low = (metric(name).show(values.get(name)) for values in (cell.predicted, cell.predicted_low))
    return high if name not in cell.predicted_low or low == high else f"{low} to {high}"


def columns(experiment: ExperimentResult) -> list[Column]:
    """Return the experiment's metrics, each followed by its prediction where one was made."""
    found = []
    for name in experiment.columns:
        found.append(Column(name, predicted=False))
        if any(name in cell.predicted for cell in experiment.cells):
            found.append(Column(name, predicted=True))
    return found


def interval(name: str, estimate: Estimate) -> str:
    """Return ``low to high``, with a common unit only once; empty where all resamples are equal."""
    if estimate.low == estimate.high:
        return ""
    low, high = metric(name).show(estimate.low), metric(name).show(estimate.high)
    unit = high.partition(" ")[2]
    return f"{low.removesuffix(' ' + unit) if unit else low} to {high}"


def step(value: float | str) -> str:
    """Return a position on the horizontal axis: ``2,000``."""
    return value if isinstance(value, str) else f"{value:,.10g}"


def series(cell: CellResult) -> str:
    """Return the series of a chart that the cell belongs to: its variant, and the label in its key if there is one."""
    label = cell.key.removeprefix(f"{cell.variant} / {cell.step}").strip()
    return f"{cell.variant}, {label}" if label not in ("", cell.key) else cell.variant


def names(cells: Sequence[CellResult]) -> list[str]:
    """Return the series of the cells, each once, in order."""
    return list(dict.fromkeys(map(series, cells)))


def steps(experiment: ExperimentResult) -> str:
    """Return the heading of the steps, empty where all cells have the same step."""
    return (experiment.chart["x"] or "step") if len({cell.step for cell in experiment.cells}) > 1 else ""


def who(experiment: ExperimentResult, cell: CellResult) -> str:
    """Return the cell's name for a sentence: ``FastAPI, 1 loop, users 2,000``."""
    if not steps(experiment):
        return series(cell)
    place = cell.step if isinstance(cell.step, str) else f"{experiment.chart['x']} {step(cell.step)}".strip()
    return f"{series(cell)}, {place}"


def validity(cell: CellResult) -> str:
    """Return ``valid``, or the reason why not."""
    return "valid" if cell.not_valid is None else f"not valid: {cell.not_valid}"


def reasons(experiment: ExperimentResult) -> list[str]:
    """Return why cells are not valid, with the advice for each."""
    return [
        f"{who(experiment, cell)} is not valid: {cell.not_valid}. {advice(cell.not_valid)}" for cell in experiment.cells if cell.not_valid
    ]


def first_lines(results: Results) -> list[str]:
    """Return the first lines of a report: the verdicts that are not valid, failed, or refute their claim.

    A run of a single experiment always shows its verdict.
    """
    alone = len(results.experiments) == 1
    return [
        f"{MARKS[one.verdict.outcome]} {one.name}: {one.verdict.outcome}. {one.verdict.sentence}"
        for one in results.experiments
        if alone or one.verdict.outcome in ("not valid", "does not hold", "failed")
    ]


def headline(experiment: ExperimentResult) -> str | None:
    """Return the experiment's main metric: the chart's, or the first of the table's that a cell has."""
    names = [name for name in (experiment.chart["metric"], *experiment.columns) if any(name in cell.estimates for cell in experiment.cells)]
    return names[0] if names else None


def extremes(experiment: ExperimentResult, name: str) -> list[CellResult]:
    """Return the valid cells with the lowest and the highest value of a metric; one if both read the same, none without a value."""
    having = [cell for cell in experiment.cells if cell.valid and name in cell.estimates]
    if not having:
        return []
    low, high = (pick(having, key=lambda cell: cell.estimates[name].value) for pick in (min, max))
    same = metric(name).show(low.estimates[name].value) == metric(name).show(high.estimates[name].value)
    return [low] if same else [low, high]


def measured(experiment: ExperimentResult) -> str:
    """Return the measured range with its cells: ``makespan: 1.01 s (FastAPI, 1 loop) to 2.01 s (...)``."""
    name = headline(experiment)
    if name is None or not (ends := extremes(experiment, name)):
        return "nothing valid"
    alone = len(ends) == 1
    shown = [metric(name).show(cell.estimates[name].value) + ("" if alone else f" ({who(experiment, cell)})") for cell in ends]
    return f"{metric(name).label}: {' to '.join(shown)}"


def prediction(experiment: ExperimentResult) -> str:
    """Return the prediction for the same cells, and how many predictions were met; ``none`` where no check is bound to one."""
    bound = [check for check in experiment.verdict.checks if check.bound]
    if not bound:
        return "none"
    met = f"met in {sum(check.passed is True for check in bound)} of {len(bound)}"
    name = headline(experiment)
    if name is None:
        return met
    cells = [cell for cell in extremes(experiment, name) if name in cell.predicted]
    ends = [metric(name).show(end) for cell in cells for end in (cell.predicted_low.get(name), cell.predicted[name]) if end is not None]
    shown = list(dict.fromkeys((*ends[:1], *ends[-1:])))
    return f"{metric(name).label}: {' to '.join(shown)}; {met}" if shown else met


def kind(results: Results) -> str:
    """Return the kind of run, and the experiments that are missing."""
    said = "A full run" if results.full else "A quick run: few repeats, so intervals are wide"
    if results.short:
        said = "A short run, which shows that everything runs to its end and measures nothing"
    missing = results.manifest.get("not measured yet", [])
    return said + (f"; broken off before {', '.join(missing)}" if missing else "")


def floor(session: Session) -> list[tuple[str, str]]:
    """Return the noise floor by metric: ``("p99", "within 1.2 ms")``, ``("requests/s", "within 3 %")``."""

    def words(name: str, floor: float) -> str:
        return duration(floor) if name in METRICS and METRICS[name].unit == "s" else f"{number(100 * floor)} %"

    return [(METRICS[name].label if name in METRICS else name, f"within {words(name, floor)}") for name, floor in session.noise.items()]


def audited(cell: CellResult) -> str:
    """Return the result of the audit in a few words."""
    findings = [finding for run in cell.runs for finding in run.audit]
    failed = sum(not finding.passed for finding in findings)
    runs = f"{len(cell.runs)} run{'s' * (len(cell.runs) != 1)}" + f", {len(cell.rejected)} more made again" * bool(cell.rejected)
    if not findings:
        return f"{runs}, nothing to audit"
    return f"{runs}, {f'{failed} of {len(findings)} findings failed' if failed else f'all {len(findings)} findings passed'}"

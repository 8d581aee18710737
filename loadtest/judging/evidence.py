"""The input of an experiment's verdict: its cells, comparisons between them, and checks that lead to a verdict."""

from collections.abc import Mapping, Sequence

from loadtest.judging.advice import advice
from loadtest.judging.estimates import ratio
from loadtest.judging.noise import share
from loadtest.judging.steadiness import slowest
from loadtest.metrics import metric as metric_of
from loadtest.metrics import number
from loadtest.model import Cell, Variant
from loadtest.results import CellResult, Check, Estimate, Outcome, Verdict

# Extra time beyond the prediction, as a share, that a request's CPU cost can explain while its wait is as predicted.
COST = 0.15


class NotValidError(Exception):
    """A cell that a verdict needs is not valid. The text is sentences: which rule failed for which cell, and what to do."""


def not_usable(reasons: Mapping[str, str]) -> str:
    """Return which rule failed for which cell, and the advice for it, once for each rule."""
    said = [f"{key} is not valid: {reason}." for key, reason in reasons.items()]
    return " ".join([*said, *dict.fromkeys(map(advice, reasons.values()))])


class Evidence:
    """The cells of an experiment. A request for a cell that is not valid raises NotValidError and ends the judging."""

    def __init__(self, cells: Sequence[CellResult], noise: dict[str, float], full: bool) -> None:
        self.cells, self.noise, self.full = cells, noise, full

    def cell(self, variant: Variant | str, step: float | str | None = None, label: str = "") -> CellResult:
        """Return the cell of a variant (at a step). Raise LookupError where there is none, NotValidError where it is not valid."""
        name = variant if isinstance(variant, str) else variant.name
        found = [
            cell
            for cell in self.cells
            if cell.variant == name and (step is None or cell.step == step) and (not label or cell.key.endswith(label))
        ]
        if not found:
            raise LookupError(f"no cell of {name} at {step} {label}")
        if found[0].not_valid:
            raise NotValidError(not_usable({found[0].key: found[0].not_valid or ""}))
        return found[0]

    def all(self, variant: Variant) -> list[CellResult]:
        """Return all cells of a variant, in order. Raise NotValidError where one is not valid."""
        return [self.cell(cell.variant, cell.step) for cell in self.cells if cell.variant == variant.name]

    def valid(self, variant: Variant) -> list[CellResult]:
        """Return all valid cells of a variant, in order. Raise NotValidError where there is none."""
        found = [cell for cell in self.cells if cell.variant == variant.name]
        if not any(cell.valid for cell in found):
            raise NotValidError(f"No cell of {variant.name} is valid. {not_usable({found[0].key: found[0].not_valid or ''})}")
        return [cell for cell in found if cell.valid]

    def value(self, cell: CellResult, metric: str) -> Estimate:
        return cell.estimates[metric]

    def near(self, cell: CellResult, metric: str, share: float = 0.03) -> Check:
        """Check that the measured value is within ``share`` of the predicted one. Bound to the prediction."""
        found, expected = cell.estimates[metric], cell.predicted[metric]
        show = metric_of(metric).show
        passed = abs(found.value / expected - 1) <= share
        what = f"{cell.variant}, {cell.step}: {metric_of(metric).label}"
        text = f"{what} {show(found.value)}, predicted {show(expected)} ({found.value / expected:.2f})"
        longer = expected / found.value if metric == "throughput" else found.value / expected
        return Check(text, passed, bound=True, longer=longer - 1)

    def at_least(self, cell: CellResult, metric: str, share: float = 0.95) -> Check:
        """Check that the measured value reaches ``share`` of a prediction that is a lower bound. Bound to it."""
        found, expected = cell.estimates[metric].value, cell.predicted[metric]
        show = metric_of(metric).show
        text = f"{cell.variant}, {cell.step}: {metric_of(metric).label} {show(found)}, predicted {show(expected)} or more"
        return Check(text, found >= share * expected, bound=True)

    def at_most(self, cell: CellResult, metric: str) -> Check:
        """Check that no run exceeded a prediction that is an upper bound. Bound to it."""
        found, expected = self.worst(cell, metric), cell.predicted[metric]
        show = metric_of(metric).show
        text = f"{cell.variant}, {cell.step}: {metric_of(metric).label} {show(found)}, predicted {show(expected)} at most"
        return Check(text, found <= expected, bound=True)

    def worst(self, cell: CellResult, metric: str) -> float:
        """Return the largest value of any run."""
        return max(run.values[metric] for run in cell.runs if metric in run.values)

    def ratio(self, a: CellResult, b: CellResult, metric: str) -> Estimate:
        """Return ``a / b`` with its interval. Raise NotValidError where there is no such ratio."""
        found = ratio(a.runs, b.runs, metric)
        if found is None:
            what = metric_of(metric).label
            raise NotValidError(f"{a.key} and {b.key} cannot be compared by {what}: one of them has no such number, or it is 0.")
        return found

    def compare(self, a: CellResult, b: CellResult, metric: str, more_than: float = 1.0) -> Check:
        """Check whether ``a`` is more than ``more_than`` times ``b``: yes, no, or no difference seen.

        The whole interval must lie on one side, by more than the difference between two equal services in this session.
        """
        found = self.ratio(a, b, metric)
        floor = share(self.noise.get(metric, 0.0), metric, *(one.estimates[metric].value for one in (a, b)))
        low, high = found.low / (1 + floor), found.high * (1 + floor)
        passed = True if low > more_than else False if high < more_than else None
        text = (
            f"{a.key} against {b.key}, {metric_of(metric).label}: {number(found.value)} times "
            f"({number(found.low)} to {number(found.high)}), asked for more than {number(more_than)}"
        )
        return Check(text, passed)

    def unless(self, check: Check) -> Check:
        """Return the opposite of a comparison: passed where the comparison clearly failed."""
        return Check(f"not so: {check.text}", None if check.passed is None else not check.passed)

    def true(self, text: str, passed: bool) -> Check:
        """Return a check that needs no statistics."""
        return Check(text, passed)

    def bound(self, text: str, passed: bool) -> Check:
        """Return a check like ``true``, but bound to a prediction."""
        return Check(text, passed, bound=True)

    def at(self, step: float | str) -> list[CellResult]:
        """Return all valid cells at a step."""
        return [cell for cell in self.cells if cell.step == step and cell.valid]

    def verdict(self, checks: Sequence[Check], holds: str, fails: str, limit: str | None = None) -> Verdict:
        """Return a verdict from checks: one failed; or none failed, but one showed no difference; or all passed.

        Predictions leave out the cost of a request beyond its wait. On a slow machine this cost shows, and refutes no claim. Neither does a
        failed check where the machine was slower for some cells than for others: then the verdict doubts those cells.
        """
        outcome: Outcome = "holds with a limit" if limit else "holds"
        failed = [check for check in checks if check.passed is False]
        longer = [check.longer or 0.0 for check in failed]
        if any(not 0 < one <= COST for one in longer):
            if slowed := slowest(self.cells):
                return Verdict("not valid", f"{not_usable(slowed)} Until then it is open whether this is so: {fails}", list(checks), slowed)
            return Verdict("does not hold", fails, list(checks))
        if failed:
            outcome = "holds with a limit"
            limit = f"{limit or holds} Requests take up to {max(longer):.0%} longer here than predicted from their waits alone."
        if any(check.passed is None for check in checks):
            return Verdict("no difference seen", "What was compared differs by less than the noise of this session.", list(checks))
        return Verdict(outcome, limit or holds, list(checks))


def predicted_throughput(cell: Cell) -> float | None:
    """Return min(users, slots, connections) / held, in requests per second of a closed workload.

    ``None`` where the throughput depends on the CPU alone.
    """
    held = cell.load.held(cell.variant)
    if not held:
        return None
    at_once = cell.load.users
    places = cell.load.places(cell.variant)
    if places is not None:
        at_once = min(at_once, places)
    elif cell.load.what.blocks:
        at_once = min(at_once, cell.variant.workers)
    return at_once / held


def times(found: Estimate) -> str:
    """Format a ratio for a sentence: ``1.02 times (0.98 to 1.05)``."""
    return f"{number(found.value)} times ({number(found.low)} to {number(found.high)})"

"""A comparison of two runs: which cells changed by more than two equal services differ in either session."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from loadtest.judging.estimates import ratio
from loadtest.judging.noise import share
from loadtest.metrics import METRICS
from loadtest.report.page import in_words
from loadtest.results import CellResult, Estimate, ExperimentResult, Results, Session

Change = Literal["changed", "no difference seen", "cannot be said"]
# Entries of the manifest that differ between any two runs and explain nothing.
ALWAYS_OTHER = ("time",)


@dataclass(frozen=True)
class Row:
    """A metric of a cell in both runs.

    ``ratio`` is b / a, and ``floor`` a share of 1. ``why`` is the reason where no conclusion is possible.
    """

    experiment: str
    cell: str
    metric: str
    a: float
    b: float
    ratio: Estimate | None
    floor: float | None
    change: Change
    why: str = ""


@dataclass(frozen=True)
class Comparison:
    """The comparison of two runs, a and b. Every list of sentences may be empty."""

    a: str
    b: str
    rows: list[Row]
    manifest: list[tuple[str, str, str]]  # fact, value in a, value in b
    flips: list[tuple[str, str, str]]  # experiment, verdict in a, verdict in b
    left_out: list[str]


def compare(a: Results, b: Results) -> Comparison:
    """Compare the cells that both runs have and that are valid in both, by the metrics that both tables have."""
    a, b = a.marked(), b.marked()
    of_b = {experiment.name: experiment for experiment in b.experiments}
    both = [(one, of_b[one.name]) for one in a.experiments if one.name in of_b]
    names_a = {experiment.name for experiment in a.experiments}
    left_out = [f"{one.name} is only in a" for one in a.experiments if one.name not in of_b]
    left_out += [f"{name} is only in b" for name in of_b if name not in names_a]
    rows: list[Row] = []
    for one, other in both:
        pairs, sentences = matched(one, other)
        left_out += sentences
        shared = [name for name in one.columns if name in other.columns]
        rows += [row for pair in pairs for name in shared if (row := compared(one.name, *pair, name, a.session, b.session))]
    return Comparison(
        a=a.name,
        b=b.name,
        rows=rows,
        manifest=differences({**a.manifest, "full": a.full}, {**b.manifest, "full": b.full}),
        flips=[
            (one.name, one.verdict.outcome, other.verdict.outcome) for one, other in both if one.verdict.outcome != other.verdict.outcome
        ],
        left_out=left_out,
    )


def matched(a: ExperimentResult, b: ExperimentResult) -> tuple[list[tuple[CellResult, CellResult]], list[str]]:
    """Return the pairs of cells that can be compared, and a sentence for every cell that cannot."""
    of_a, of_b = ({cell.key: cell for cell in one.cells} for one in (a, b))
    pairs, sentences = [], []
    for key in dict.fromkeys([*of_a, *of_b]):
        one, other = of_a.get(key), of_b.get(key)
        named = f"{a.name}: {key}"
        if one is None or other is None:
            sentences.append(f"{named} is only in {'b' if one is None else 'a'}")
        elif one.load != other.load:
            sentences.append(f"{named} had another load: {one.load} in a, {other.load} in b")
        elif not (one.valid and other.valid):
            sentences += [f"{named} is not valid in {run}: {cell.not_valid}" for run, cell in (("a", one), ("b", other)) if not cell.valid]
        else:
            pairs.append((one, other))
    return pairs, sentences


def compared(experiment: str, a: CellResult, b: CellResult, name: str, session_a: Session, session_b: Session) -> Row | None:
    """Compare one metric of one cell; ``None`` where one of the runs lacks it."""
    if name not in a.estimates or name not in b.estimates:
        return None
    values = (a.estimates[name].value, b.estimates[name].value)
    floors = [noise(session, name) for session in (session_a, session_b)]
    floor = None if None in floors else share(max(filter(None, floors), default=0.0), name, *values)
    found = ratio(b.runs, a.runs, name)
    change, why = judged(a, b, name, found, floor)
    return Row(experiment, a.key, name, *values, found, floor, change, why)


def judged(a: CellResult, b: CellResult, name: str, found: Estimate | None, floor: float | None) -> tuple[Change, str]:
    """Return "changed" only where the whole interval is off 1 by more than the noise floor; otherwise no difference was seen."""
    if not any(run.seconds for cell in (a, b) for run in cell.runs):  # counted without load: exact values
        return ("no difference seen" if a.estimates[name].value == b.estimates[name].value else "changed"), ""
    if found is None:
        return "cannot be said", "there is no ratio to zero"
    if found.low <= 1 <= found.high:
        return "no difference seen", ""
    if any(len(cell.runs) == 1 and cell.estimates[name].low == cell.estimates[name].high for cell in (a, b)):
        return "cannot be said", "a single run has no interval"
    if floor is None:
        return "cannot be said", "no noise floor of both sessions"
    return ("changed" if found.low > 1 + floor or found.high < 1 / (1 + floor) else "no difference seen"), ""


def noise(session: Session, name: str) -> float | None:
    """Return the session's noise floor of a metric, in seconds or as a share.

    Where the metric has none of its own, return the largest floor of the same unit.
    """
    if name in session.noise:
        return session.noise[name]
    same = [floor for other, floor in session.noise.items() if other in METRICS and METRICS[other].unit == METRICS[name].unit != "1"]
    return max(same, default=None)


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return the differences of two manifests: name, value in a, value in b."""
    of_a, of_b = flat(a), flat(b)
    names = [name for name in dict.fromkeys([*of_a, *of_b]) if name not in ALWAYS_OTHER]
    return [(name, of_a.get(name, "-"), of_b.get(name, "-")) for name in names if of_a.get(name) != of_b.get(name)]


def flat(manifest: Mapping[str, Any], before: str = "") -> dict[str, str]:
    """Flatten a manifest with nested mappings, with keys such as ``services flask``."""
    found: dict[str, str] = {}
    for name, value in manifest.items():
        found |= flat(value, f"{before}{name} ") if isinstance(value, Mapping) else {f"{before}{name}": in_words(value)}
    return found

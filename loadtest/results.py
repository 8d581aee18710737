"""What a run found: results.json is these dataclasses, and everything that is drawn or said comes from them."""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

# failed: the experiment did not run to its end, for a fault of the laboratory or of a service.
Outcome = Literal["holds", "holds with a limit", "does not hold", "no difference seen", "not valid", "failed"]


@dataclass(frozen=True)
class Estimate:
    """A value with the interval that holds it in 95 of 100 resamplings (bootstrap), in the metric's unit."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Finding:
    """One rule of the audit on one run. ``residual`` is what the rule is about, as a share of what is allowed (1 is the limit)."""

    rule: str
    passed: bool
    residual: float | None
    sentence: str


@dataclass(frozen=True)
class Run:
    """One cell measured once. ``values`` by metric, in that metric's unit; ``counts`` are whole requests.

    ``slices`` are successes in equal parts of the window; ``histograms`` are HDR histograms of latencies in microseconds
    (HdrHistogram's own encoding), one for each slice.
    """

    repeat: int
    seconds: float
    values: dict[str, float]
    counts: dict[str, int]
    slices: list[int]
    histograms: list[str]
    errors: dict[str, int]
    watched: dict[str, float]
    audit: list[Finding]
    limiter: str

    @property
    def valid(self) -> bool:
        return all(finding.passed for finding in self.audit)


@dataclass(frozen=True)
class CellResult:
    """A cell with all its runs. ``estimates`` by metric. Of a prediction that is a range, ``predicted`` is the upper end.

    ``rejected`` are runs that something else on the machine disturbed: each was made again, and has no part in the estimates.
    """

    key: str
    variant: str
    step: float | str
    load: str
    predicted: dict[str, float]
    estimates: dict[str, Estimate]
    limiter: str
    runs: list[Run]
    not_valid: str | None
    rejected: list[Run] = field(default_factory=list)
    predicted_low: dict[str, float] = field(default_factory=dict)

    @property
    def valid(self) -> bool:
        return self.not_valid is None


@dataclass(frozen=True)
class Check:
    """One statement that a verdict rests on. ``bound``: it compares with a prediction made before the run.

    ``longer`` is how much more time was taken than predicted, as a share; negative where it was less.
    """

    text: str
    passed: bool | None  # None: no difference seen
    bound: bool = False
    longer: float | None = None


@dataclass(frozen=True)
class Verdict:
    """What follows for the claim, in a sentence, and why.

    ``doubted`` says of cells by key why they enter no verdict, although each of their runs passed the audit: what is wrong shows only
    beside the other cells of a session.
    """

    outcome: Outcome
    sentence: str
    checks: list[Check] = field(default_factory=list)
    doubted: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ExperimentResult:
    """One experiment of a run."""

    name: str
    question: str
    claim: str
    frame: str
    misreading: str
    command: str
    chart: dict[str, Any]
    columns: list[str]
    cells: list[CellResult]
    verdict: Verdict
    seconds: float

    def marked(self) -> "ExperimentResult":
        """The same, with the cells that the verdict doubts as not valid: no table may call valid what its verdict does not use."""
        doubted = self.verdict.doubted
        cells = [replace(one, not_valid=one.not_valid or doubted.get(one.key)) for one in self.cells]
        return replace(self, cells=cells)


@dataclass(frozen=True)
class Session:
    """What was found out before the experiments: what the generator can do, and how much two equal things differ.

    ``ceiling`` in requests a second of one generator process; ``idle_lag`` in seconds, how late an idle one wakes, which does
    not count against it; ``noise`` by metric: seconds of a time, else a share of 1.
    """

    ceiling: float
    idle_lag: float
    generators: int
    noise: dict[str, float]
    second_opinions: list[dict[str, Any]]


@dataclass(frozen=True)
class Results:
    """One run of the laboratory."""

    name: str
    full: bool
    experiments: list[ExperimentResult]
    session: Session
    manifest: dict[str, Any]
    format: int = 5

    @property
    def valid(self) -> bool:
        return all(cell.valid for experiment in self.experiments for cell in experiment.cells)

    @property
    def failed(self) -> list[ExperimentResult]:
        """Experiments that did not run to their end."""
        return [experiment for experiment in self.experiments if experiment.verdict.outcome == "failed"]

    @property
    def short(self) -> bool:
        """Whether it only shows that everything runs to its end."""
        return bool(self.manifest.get("short"))

    def marked(self) -> "Results":
        """The same, with every cell that a verdict doubts as not valid."""
        return replace(self, experiments=[one.marked() for one in self.experiments])

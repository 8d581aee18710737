"""The results of a run: results.json holds these dataclasses, and every chart and text is made from them."""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

# failed: the experiment did not finish, because of a fault in the laboratory or in a service.
Outcome = Literal["holds", "holds with a limit", "does not hold", "no difference seen", "not valid", "failed"]


@dataclass(frozen=True)
class Estimate:
    """A value with its interval, which holds 95 of 100 resampled values (bootstrap), in the metric's unit."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Finding:
    """One rule of the audit, applied to one run. ``residual`` is the deviation as a share of what is allowed (1 is the limit)."""

    rule: str
    passed: bool
    residual: float | None
    sentence: str


@dataclass(frozen=True)
class Run:
    """One measurement of a cell. ``values`` are by metric, in that metric's unit; ``counts`` are whole requests.

    ``slices`` are the successes in equal parts of the window. ``histograms`` are HDR histograms of latencies in microseconds
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
    """A cell with all its runs. ``estimates`` are by metric. Where a prediction is a range, ``predicted`` is its upper end.

    ``rejected`` are runs that other programs on the machine disturbed. Each was repeated, and does not count in the estimates.
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
    """One statement that a verdict is based on. ``bound``: it compares with a prediction made before the run.

    ``longer`` is how much more time than predicted was needed, as a share; negative where it was less.
    """

    text: str
    passed: bool | None  # None: no difference seen
    bound: bool = False
    longer: float | None = None


@dataclass(frozen=True)
class Verdict:
    """The conclusion about the claim, in a sentence, and its reasons.

    ``doubted`` maps the key of a cell to the reason why the verdict does not use it. Each run of such a cell passed the audit, but a
    comparison with the session's other cells shows that something is wrong.
    """

    outcome: Outcome
    sentence: str
    checks: list[Check] = field(default_factory=list)
    doubted: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ExperimentResult:
    """The result of one experiment of a run."""

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
        """Return a copy in which the cells that the verdict doubts are not valid.

        No table may call a cell valid that its verdict does not use.
        """
        doubted = self.verdict.doubted
        cells = [replace(one, not_valid=one.not_valid or doubted.get(one.key)) for one in self.cells]
        return replace(self, cells=cells)


@dataclass(frozen=True)
class Session:
    """The calibration before the experiments: the capacity of the load generator, and how much two equal services differ.

    ``ceiling`` is in requests per second of one generator process. ``idle_lag`` is how many seconds late an idle one wakes, which does
    not count against it. ``noise`` is by metric: in seconds for a time, else a share of 1.
    """

    ceiling: float
    idle_lag: float
    generators: int
    noise: dict[str, float]
    second_opinions: list[dict[str, Any]]


@dataclass(frozen=True)
class Results:
    """Return a function that reports each cell on the stack to the page's live view.

    Calibration has another target, and is not reported.
    """

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
        """The experiments that did not finish."""
        return [experiment for experiment in self.experiments if experiment.verdict.outcome == "failed"]

    @property
    def short(self) -> bool:
        """Whether the run only shows that everything finishes, without meaningful numbers."""
        return bool(self.manifest.get("short"))

    def marked(self) -> "Results":
        """Return a copy in which every cell that a verdict doubts is not valid."""
        return replace(self, experiments=[one.marked() for one in self.experiments])

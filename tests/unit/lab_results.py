"""Results made by hand: a complete one, and the parts to build others."""

from dataclasses import asdict, replace
from typing import Any

from hdrh.histogram import HdrHistogram

from loadtest.model import Chart
from loadtest.results import CellResult, Check, Estimate, ExperimentResult, Finding, Results, Run, Session, Verdict

FLASK, FASTAPI, DJANGO = "Flask, 4 sync workers", "FastAPI, 1 loop", "Django, 1 loop"
MANIFEST: dict[str, Any] = {
    "time": "2026-11-21T10:00:00+00:00",
    "command": "make lab X=queue",
    "commit": "8ed74a1",
    "python": "3.14.0",
    "services": {"flask": "3.1.3", "django": "6.0"},
    "cpus": 2,
    "settings": {"FLASK_WORKERS": "4"},
}


def histogram(*seconds: float) -> str:
    made = HdrHistogram(1, 600_000_000, 3)
    for value in seconds:
        made.record_value(round(value * 1_000_000))
    return str(made.encode().decode())


def run(
    repeat: int = 0,
    seconds: float = 4.0,
    slices: list[int] | None = None,
    latencies: float | None = None,
    passed: bool = True,
    **values: Any,
) -> Run:
    audit = [Finding("Little's law", True, 0.21, "9.9 of 10 users accounted for")]
    if not passed:
        audit.append(Finding("generator had room", False, 1.31, "105% of a CPU"))
    histograms = [histogram(*[latencies] * count) for count in slices] if slices and latencies else []
    return Run(repeat, seconds, values, {"succeeded": 40}, slices or [], histograms, {}, {"generator_cpu": 0.2}, audit, "slots")


def cell(
    variant: str = FLASK,
    step: float | str = 8,
    predicted: dict[str, float] | None = None,
    spread: float = 0.02,
    not_valid: str | None = None,
    label: str = "",
    runs: list[Run] | None = None,
    limiter: str = "slots",
    **values: Any,
) -> CellResult:
    """Return a cell with these values. Each interval extends by the share ``spread`` to both sides."""
    return CellResult(
        key=f"{variant} / {step} {label}".strip(),
        variant=variant,
        step=step,
        load="8 at once of /wait?seconds=1",
        predicted=predicted or {},
        estimates={name: Estimate(value, value * (1 - spread), value * (1 + spread)) for name, value in values.items()},
        limiter=limiter,
        runs=runs if runs is not None else [run(repeat, passed=not_valid is None, **values) for repeat in range(2)],
        not_valid=not_valid,
    )


def experiment(
    *cells: CellResult, chart: Chart | None = None, columns: tuple[str, ...] = ("throughput", "p99"), **changes: Any
) -> ExperimentResult:
    made = ExperimentResult(
        name="thousands",
        question="How many requests that wait a second can one event loop hold?",
        claim="One ASGI worker carries thousands of waiting requests.",
        frame="equal cores",
        misreading="The straight line is not the speed of the server.",
        command="make lab X=thousands",
        chart=asdict(chart or Chart("lines", "throughput", x="users", log_x=True, log_y=True)),
        columns=list(columns),
        cells=list(cells),
        verdict=Verdict("holds", "It does.", [Check("throughput 990, predicted 1,000 (0.99)", True, bound=True)]),
        seconds=61.0,
    )
    return replace(made, **changes)


def results(*experiments: ExperimentResult, noise: dict[str, float] | None = None, **changes: Any) -> Results:
    floor = {"throughput": 0.02, "p50": 0.05} if noise is None else noise
    session = Session(ceiling=7700.0, idle_lag=0.0004, generators=2, noise=floor, second_opinions=[])
    return replace(Results("lab", True, list(experiments), session, dict(MANIFEST)), **changes)


def thousands() -> ExperimentResult:
    """A line chart, with one cell that is not valid and one without a prediction."""
    cells = []
    for variant, most in ((FASTAPI, 1560.0), (DJANGO, 610.0)):
        for users in (10, 100, 500, 1000, 2000):
            rate = min(users * 0.99, most)
            values: dict[str, Any] = {
                "throughput": rate,
                "p50": users / rate,
                "p99": 1.2 * users / rate,
                "cpu_us": 640.0,
                "app_cpu": rate * 64e-5,
            }
            values |= {"loop_lag": 0.0004 * users / 100, "pss_mib": 61.5}
            void = "generator had room: 105% of a CPU" if (variant, users) == (DJANGO, 2000) else None
            predicted = {} if (variant, users) == (DJANGO, 10) else {"throughput": float(users)}
            full = rate < users * 0.98
            cells.append(cell(variant, users, predicted, not_valid=void, limiter="server CPU" if full else "not saturated", **values))
    columns = ("throughput", "p50", "p99", "cpu_us", "app_cpu", "loop_lag", "pss_mib")
    checks = [
        Check("FastAPI, 1 loop, 1000: requests/s 990, predicted 1,000 (0.99)", True, bound=True),
        Check("Django, 1 loop, 1000: requests/s 610, predicted 1,000 (0.61)", False, bound=True),
        Check("FastAPI, 1 loop / 10 against Django, 1 loop / 10, requests/s: 1 times (0.99 to 1.01)", None),
    ]
    verdict = Verdict("holds with a limit", "One FastAPI worker carries a thousand waiting requests; it bends before 2,000 users.", checks)
    return experiment(*cells, columns=columns, verdict=verdict)


def queue() -> ExperimentResult:
    """A burst of eight requests."""
    cells = []
    for variant, at_once in ((FLASK, 4), (FASTAPI, 8), (DJANGO, 8)):
        ends = {f"rank_{rank}": float(-(-rank // at_once)) for rank in range(1, 9)}
        runs = []
        for repeat in range(3):
            seen: dict[str, Any] = {name: seconds + 0.004 * int(name[5:]) + 0.003 * repeat for name, seconds in ends.items()}
            runs.append(run(repeat, **seen))
        last = ends["rank_8"]
        values: dict[str, Any] = {"makespan": last + 0.035, "p50": ends["rank_4"], "max": last, "busy_slots": 3.9}
        made = cell(variant, 8, ends | {"makespan": last}, 0.002, runs=runs, **values)
        cells.append(made)
    checks = [Check(f"{one.variant}: all done after as predicted", True, bound=True) for one in cells]
    return experiment(
        *cells,
        chart=Chart("ranks", "rank"),
        columns=("makespan", "p50", "max", "busy_slots"),
        name="queue",
        question="Eight requests arrive at the same moment. When is each answered?",
        claim="Four sync workers serve four requests at a time and let the rest stand in line.",
        misreading="The event loop is not faster: no request took less than its second.",
        command="make lab X=queue",
        verdict=Verdict("holds", "Four workers answered the eight requests in two rounds.", checks),
    )


def shorts() -> ExperimentResult:
    """A bar chart, with one cell that is not valid, one without a prediction, and one without the metric."""
    cells = [
        cell(FLASK, "/json", {"p99": 0.004}, 0.05, throughput=900.0, p99=0.0042),
        cell(FASTAPI, "/json", None, 0.05, throughput=2300.0, p99=0.0019),
        cell(DJANGO, "/json", {"p99": 0.006}, 0.05, "steady: 40 answers in the first half, 90 in the second", throughput=700.0, p99=0.009),
        cell(FLASK, "wait 1 ms", {"p99": 0.005}, 0.05, throughput=700.0, p99=0.0061),
        cell(FASTAPI, "wait 1 ms", {"p99": 0.004}, 0.05, throughput=1800.0, p99=0.0042),
        cell(DJANGO, "wait 1 ms", throughput=500.0),
    ]
    return experiment(
        *cells,
        chart=Chart("bars", "p99", x="workload"),
        name="fast-io",
        question="Which is better for short requests?",
        claim="For short, fast requests a sync worker is fine.",
        verdict=Verdict("no difference seen", "What was compared differs by less than the noise of this session."),
    )


def everything() -> Results:
    """One experiment of each kind of chart, and one that measured nothing."""
    empty = experiment(name="empty", question="What if nothing is measured?", claim="Nothing.", verdict=Verdict("not valid", "No cell."))
    return results(thousands(), queue(), shorts(), empty, name="everything")

"""From runs to a cell: estimates over all of them, the most frequent bottleneck, and the reason if the cell is not valid."""

from collections import Counter
from collections.abc import Mapping, Sequence

from loadtest.judging.estimates import estimate
from loadtest.judging.raw import Raw
from loadtest.model import Cell
from loadtest.results import CellResult, Finding, Run


def run_of(raw: Raw, values: dict[str, float], findings: list[Finding], limiter: str) -> Run:
    """Return a run in the form in which results.json keeps it."""
    names = ("begun", "ended", "succeeded", "failures", "failures_outside", "dropped", "late")
    burst = raw.cell.load.kind == "burst"
    errors: Counter[str] = Counter()
    for load in raw.all_loads:
        errors.update(load["errors"])
    return Run(
        repeat=raw.repeat,
        seconds=raw.seconds,
        values=values,
        counts={name: raw.count(name, everywhere=True) for name in names} | ({"served": raw.sampled.served} if raw.sampled else {}),
        slices=[] if burst else raw.slices,  # a burst has no slices: whole runs are resampled
        histograms=[] if burst or not sum(raw.slices) else [latencies.encode() for latencies in raw.merged()],
        errors=dict(errors),
        watched=watched(raw),
        audit=findings,
        limiter=limiter,
    )


def watched(raw: Raw) -> dict[str, float]:
    """Return the observations of the processes: seconds, CPUs, and counts."""
    found: dict[str, float] = {
        "generator_cpu": raw.generator_cpu,
        "generator_lag": raw.generator_lag,
        "longest_gap": raw.longest_gap,
    }
    if raw.paces:
        found |= {"pace_before": raw.paces[0], "pace_after": raw.paces[1]}
    if raw.usage:
        found |= {
            "app_user_seconds": raw.usage.app_user,
            "app_system_seconds": raw.usage.app_system,
            "proxy_seconds": raw.usage.proxy,
            "upstream_seconds": raw.usage.upstream,
            "database_seconds": raw.usage.database,
            "cache_seconds": raw.usage.cache,
            "accept_queue_overflows": raw.usage.overflows,
        }
    if raw.machine:
        found |= {"machine_cpus": raw.machine.cpus, "machine_busy": raw.machine.busy / raw.seconds}
        if raw.ours is not None:
            found["other_programs"] = raw.others
    if raw.holding:
        found["processes"] = raw.holding.processes
    if raw.sampled and raw.sampled.loop_lag_longest is not None:
        found["loop_lag_longest"] = raw.sampled.loop_lag_longest
    return found


def cell_result(cell: Cell, runs: Sequence[Run], rejected: Sequence[Run] = ()) -> CellResult:
    """Return a cell from its runs."""
    metrics = sorted(set().union(*(run.values for run in runs)))
    failed = [finding for run in runs for finding in run.audit if not finding.passed]
    return CellResult(
        key=cell.key,
        variant=cell.variant.name,
        step=cell.step,
        load=cell.words,
        predicted=dict(cell.predicted),
        predicted_low=dict(cell.predicted_low),
        estimates={metric: found for metric in metrics if (found := estimate(runs, metric))},
        limiter=Counter(run.limiter for run in runs).most_common(1)[0][0],
        runs=list(runs),
        not_valid=f"{failed[0].rule}: {failed[0].sentence}" if failed else None,
        rejected=list(rejected),
    )


def refused(cell: Cell, why: str) -> CellResult:
    """Return a cell that was not measured at all."""
    return CellResult(cell.key, cell.variant.name, cell.step, cell.words, dict(cell.predicted), {}, "not measured", [], why)


def looked_at(found: Mapping[str, Mapping[str, float]]) -> list[CellResult]:
    """Return cells of values that were found without load: they are exact."""
    cells = []
    for name, values in found.items():
        run = Run(0, 0.0, dict(values), {}, [], [], {}, {}, [], "none")
        estimates = {metric: exact for metric in values if (exact := estimate([run], metric))}
        cells.append(CellResult(name, name, "", "", {}, estimates, "none", [run], None))
    return cells

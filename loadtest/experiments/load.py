"""The first lesson: the same users with the same workload on one service after another. The caller supplies its numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from loadtest.experiment import Experiment
from loadtest.generator.workloads import WORKLOADS
from loadtest.judging.bottleneck import NOT_KNOWN, NOT_SATURATED, OTHER_PROGRAMS, OTHERS
from loadtest.judging.bounds import Bounds, Cost, Cpus, bounds
from loadtest.judging.evidence import not_usable
from loadtest.judging.steadiness import CHANGED, changed
from loadtest.metrics import duration, number
from loadtest.model import Cell, Chart, Load, Variant
from loadtest.results import CellResult, Check, Verdict

# How far a throughput may lie outside its range: effects at the ends of the two windows, and changes in cost since the probe.
CLOSE = 0.05
WAITS = "What a service answers in a second is what it holds concurrently, divided by how long it holds it."
WORKS = "Requests that wait for nothing are answered as fast as CPUs allow."


@dataclass(frozen=True)
class Probe:
    """What the probe with one user measured: costs by the variant's name, CPUs that each may use, and the machine's CPUs."""

    costs: Mapping[str, Cost]
    processes: Mapping[str, float]
    cpus: Cpus


def predicted(variant: Variant, load: Load, probe: Probe) -> Bounds | None:
    """Return the range of a closed workload's throughput.

    ``None`` where it depends on the CPU alone, or where a value that bounds it is not known.
    """
    held, cost = load.held(variant), probe.costs.get(variant.name)
    places, loops = load.places(variant), variant.slots is None
    if not held or cost is None:
        return None
    if load.what.asks_database and not variant.pool:
        return None
    if load.what.hands_over and loops and not variant.helpers:
        return None
    if load.what.blocks and loops:
        places = variant.workers
    processes = min(float(variant.workers), probe.processes.get(variant.name, variant.workers))
    return bounds(load.users, places, processes, held, cost, probe.cpus)


def first_lesson(variants: Sequence[Variant], load: Load, command: str, probe: Probe) -> Experiment:
    """Return the experiment of ``make load``."""

    def cell(variant: Variant) -> Cell:
        made = Cell(variant, load, load.users)
        found = predicted(variant, load, probe)
        return replace(made, predicted={"throughput": found.high}, predicted_low={"throughput": found.low}) if found else made

    return Experiment(
        name="load",
        question=f"What do {load.words} get from each service?",
        claim=WAITS if any(load.held(variant) for variant in variants) else WORKS,
        frame="equal cores",
        cells=lambda full: [cell(variant) for variant in variants],
        chart=Chart("bars", "throughput", x="users"),
        columns=("throughput", "p50", "p95", "p99", *(("first_p50", "first_p99") if load.what.style == "streamed" else ())),
        misreading=WORKLOADS[load.workload].misreading,
        judge=lambda seen: judge(seen.cells, load, variants, probe),
        compares=False,
        command=command,
    )


def judge(cells: Sequence[CellResult], load: Load, variants: Sequence[Variant], probe: Probe) -> Verdict:
    """Return the verdict: what was seen, what missed its range, and what this machine could not show."""
    doubted = {one.key: why for one in cells if one.valid and (why := not_told(one, load, variants, probe))}
    told = [one for one in cells if one.valid and one.key not in doubted]
    checks = [near(one, load, variants) if one.predicted else by_cpu(one) for one in told]
    named = dict(zip((one.key for one in cells), variants, strict=True))
    seen = f"{compared(told)}{in_line(told, load, [named[one.key] for one in told])}. " if told else ""
    if missing := [one for one in cells if one.key not in {valid.key for valid in told}]:
        why = not_usable({one.variant: one.not_valid or doubted[one.key] for one in missing})
        return Verdict("not valid", f"{why} {seen}".strip(), checks, doubted)
    if missed := [check.text for check in checks if check.passed is False]:
        return Verdict("does not hold", f"{seen}Outside of the range that was predicted: {'; '.join(missed)}.", checks)
    if open_ones := [check.text for check in checks if check.passed is None]:
        return Verdict("no difference seen", f"{seen}The claim is left open, by {'; '.join(open_ones)}.", checks)
    return Verdict("holds", seen.strip(), checks)


def allowed(cell: CellResult, load: Load, variant: Variant) -> float:
    """Return the share by which a throughput may lie outside its range.

    It is ``CLOSE``, and the answers that may fall on either side of a window's ends.
    """
    places = load.places(variant) or (variant.workers if load.what.blocks else 0)
    counted = sum(sum(run.slices) for run in cell.runs)
    return CLOSE + min(places, load.users) / max(counted, 1)


def near(cell: CellResult, load: Load, variants: Sequence[Variant]) -> Check:
    """Check that the throughput lies in its range."""
    found = cell.estimates["throughput"].value
    low, high = cell.predicted_low["throughput"], cell.predicted["throughput"]
    variant = next(one for one in variants if one.name == cell.variant)
    passed = Bounds(low, high).contain(found, allowed(cell, load, variant))
    return Check(f"{cell.variant}: {number(found)} requests/s, predicted {number(low)} to {number(high)}", passed, bound=True)


def by_cpu(cell: CellResult) -> Check:
    """Check that the CPU was the bottleneck of requests that wait for nothing.

    No result where the users sent too few requests, or where the bottleneck is not known.
    """
    return Check(f"{cell.variant}: bottleneck {cell.limiter}", None if cell.limiter in (NOT_SATURATED, NOT_KNOWN) else True)


def not_told(cell: CellResult, load: Load, variants: Sequence[Variant], probe: Probe) -> str | None:
    """Return why a cell that missed its range says nothing about the service: the machine was not as in the probe.

    ``None`` where the cell counts.
    """
    if not cell.predicted and cell.limiter == OTHER_PROGRAMS:
        return f"other programs: {number(cell.estimates['throughput'].value)} requests/s, while they used CPUs that the service wanted"
    if not cell.predicted or near(cell, load, variants).passed:
        return None
    others = max(run.watched.get("other_programs", 0.0) for run in cell.runs)
    text = near(cell, load, variants).text.partition(": ")[2]
    if others >= OTHERS * probe.cpus.shared:
        return f"other programs: {text}, while they used {number(others)} of {probe.cpus.shared:g} CPUs"
    if any(changed(run.watched) for run in cell.runs):
        return f"same pace: {text}, while the same piece of work came to take this machine {CHANGED:g} times as long, or more"
    return None


def compared(cells: Sequence[CellResult]) -> str:
    """Return the highest and the lowest throughput, or that they hardly differ."""
    slow, fast = (chosen(cells, key=lambda one: one.estimates["throughput"].value) for chosen in (min, max))
    low, high = slow.estimates["throughput"].value, fast.estimates["throughput"].value
    if len(cells) == 1:
        return f"{slow.variant} answered {number(low)} requests a second"
    if high < low * 1.1:
        return f"All answered equally many requests a second within 10 % ({number(high)} against {number(low)})"
    times = f"{number(high / low)} times as many requests a second as {slow.variant}"
    return f"{fast.variant} answered {times} ({number(high)} against {number(low)})"


def in_line(cells: Sequence[CellResult], load: Load, variants: Sequence[Variant]) -> str:
    """Return how long requests queued, where that is most of their time; else an empty text."""
    for one, variant in zip(cells, variants, strict=True):
        held, p50 = load.held(variant), one.estimates["p50"].value
        if held and p50 > 2 * held:
            return f"; half of the answers of {one.variant} took {duration(p50)} or more, for {duration(held)} of being served"
    return ""

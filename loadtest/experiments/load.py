"""The first lesson: the same users with the same workload on one service after another. Its numbers come from the caller."""

from collections.abc import Sequence
from dataclasses import replace

from loadtest.generator.workloads import WORKLOADS
from loadtest.judging.evidence import Evidence, predicted_throughput
from loadtest.metrics import duration, number
from loadtest.model import Cell, Chart, Experiment, Load, Variant
from loadtest.results import CellResult, Verdict

# A prediction that leaves out the CPU time of a request is an upper bound; this close to it, it held.
CLOSE = 0.1


def first_lesson(variants: Sequence[Variant], load: Load, command: str) -> Experiment:
    """The experiment that ``make load`` is."""

    def cell(variant: Variant) -> Cell:
        made = Cell(variant, load, load.users)
        predicted = predicted_throughput(made)
        return replace(made, predicted={"throughput": predicted}) if predicted else made

    def judge(seen: Evidence) -> Verdict:
        cells = [seen.cell(variant) for variant in variants]
        checks = [seen.near(one, "throughput", CLOSE) for one in cells if one.predicted]
        said = f"{compared(cells)}{in_line(cells, load, variants)}."
        return seen.verdict(checks, holds=said, fails=f"{said} Not every service reached what slots and waits alone would allow.")

    return Experiment(
        name="load",
        question=f"What do {load.words} get from each service?",
        claim="What a service answers in a second is what it holds at once, divided by how long it holds it.",
        frame="equal cores",
        cells=lambda full: [cell(variant) for variant in variants],
        chart=Chart("bars", "throughput", x="users"),
        columns=("throughput", "p50", "p95", "p99", *(("first_p50", "first_p99") if load.what.style == "streamed" else ())),
        misreading=WORKLOADS[load.workload].misreading,
        judge=judge,
        compares=False,
        command=command,
    )


def compared(cells: Sequence[CellResult]) -> str:
    """The highest and the lowest of the throughputs, or that there is little between them."""
    slow, fast = (chosen(cells, key=lambda one: one.estimates["throughput"].value) for chosen in (min, max))
    low, high = slow.estimates["throughput"].value, fast.estimates["throughput"].value
    if len(cells) == 1:
        return f"{slow.variant} answered {number(low)} requests a second"
    if high < low * (1 + CLOSE):
        return f"All answered equally many requests a second within 10 % ({number(high)} against {number(low)})"
    times = f"{number(high / low)} times as many requests a second as {slow.variant}"
    return f"{fast.variant} answered {times} ({number(high)} against {number(low)})"


def in_line(cells: Sequence[CellResult], load: Load, variants: Sequence[Variant]) -> str:
    """How much of a request's time was standing in line, where that is most of it."""
    for one, variant in zip(cells, variants, strict=True):
        held = load.held(variant)
        if held and one.estimates["p50"].value > 2 * held:
            return f"; half of {one.variant}'s took {duration(one.estimates['p50'].value)} or more, for {duration(held)} of being served"
    return ""

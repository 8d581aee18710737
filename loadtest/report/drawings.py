"""The drawing of each kind of chart. A cell that is not valid is grey and hollow, whatever its values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from math import nan
from typing import Any

from matplotlib.axes import Axes

from loadtest.metrics import Metric
from loadtest.report.canvas import SERIES, SERVICES, TEXT, VOID, scale_x, scale_y
from loadtest.report.rows import names, series, step
from loadtest.results import CellResult

MARKERS = ("o", "s", "^", "D", "v")
HATCHES = ("", "....", "||||")
# Up to this many bars have their number above them.
NUMBERED = 10
# Distance between a bar's top and its prediction line, as a share of the axis, below which the number moves above the line.
TOUCHING = 0.08
DASH = 4.0


@dataclass(frozen=True)
class Points:
    """The cells to draw, which all have the metric, and the settings of the chart."""

    cells: Sequence[CellResult]
    metric: Metric
    chart: Mapping[str, Any]

    @cached_property
    def names(self) -> list[str]:
        """The names of the series."""
        return names(self.cells)

    @cached_property
    def looks(self) -> list[int]:
        """A number for each series, which decides its colour, marker and hatch.

        A service's first series has the service's colour; no other series has it.
        """
        others = (number for number in count() if number % len(SERIES) >= len(SERVICES))
        free = list(SERVICES)
        found = []
        for name in self.names:
            service = next((one for one in free if name.startswith(one)), None)
            found.append(next(others) if service is None else SERVICES.index(service))
            if service:
                free.remove(service)
        return found

    def of(self, name: str) -> list[CellResult]:
        """Return the cells of a series."""
        return [cell for cell in self.cells if series(cell) == name]

    def id(self, what: str, number: int) -> str:
        """Return an id such as ``measured-1``; ``canvas.inline`` puts the chart's prefix before it."""
        return f"{what}-{number + 1}"

    def has_predictions(self, kind: str) -> bool:
        """Whether the chart contains a prediction."""
        return any(ranks(cell.predicted) if kind == "ranks" else self.metric.name in cell.predicted for cell in self.cells)

    def all_values(self) -> list[float]:
        """Return every number on the vertical axis: measured values, the ends of intervals, and predictions."""
        name = self.metric.name
        found = [cell.estimates[name] for cell in self.cells]
        predicted = [cell.predicted[name] for cell in self.cells if name in cell.predicted]
        return predicted + [value for one in found for value in (one.value, one.low, one.high)]


def shape(number: int) -> int:
    """Return the index of a series' marker: colours repeat after eight series, then with another marker."""
    return (number + number // len(SERIES)) % len(MARKERS)


def dashed(number: int, count: int) -> tuple[float, tuple[float, float]]:
    """Return dashes that leave gaps for those of the other series, since predictions often lie on the same line."""
    turns = max(2, min(count, 3))
    return (DASH * (number % turns), (DASH, DASH * (turns - 1)))


def lines(axes: Axes, points: Points) -> None:
    """Draw a line for each series over numeric steps; steps that are words are placed in their order."""
    words = list(dict.fromkeys(cell.step for cell in points.cells))
    numeric = not any(isinstance(place, str) for place in words)
    place_of = {place: float(place) if numeric else float(number) for number, place in enumerate(words)}
    name = points.metric.name
    for number, label in enumerate(points.names):
        look = points.looks[number]
        cells = sorted(points.of(label), key=lambda cell: place_of[cell.step])
        colour, marker = SERIES[look % len(SERIES)], MARKERS[shape(look)]
        at = [place_of[cell.step] for cell in cells]
        predicted = [(place_of[cell.step], cell.predicted[name]) for cell in cells if name in cell.predicted]
        if predicted:
            dashes = dashed(number, len(points.names))
            axes.plot(*zip(*predicted, strict=True), color=colour, linestyle=dashes, linewidth=1.2, gid=points.id("predicted", number))
        valid = [cell.estimates[name].value if cell.valid else nan for cell in cells]
        axes.plot(at, valid, color=colour, marker=marker, markersize=4.5, linewidth=1.5, gid=points.id("measured", number))
        intervals(axes, [(place, cell) for place, cell in zip(at, cells, strict=True)], name, colour, points.id("interval", number))
        void = [(place, cell.estimates[name].value) for place, cell in zip(at, cells, strict=True) if not cell.valid]
        if void:
            hollow(axes, void, marker, points.id("void", number))
    shown = {place_of[place]: step(place) for place in words}
    scale_x(axes, numeric and points.chart["log_x"], list(shown), lambda value: shown.get(value, ""))
    scale_y(axes, points.chart["log_y"], points.metric.show, points.all_values())
    axes.set(xlabel=points.chart["x"], ylabel=points.metric.label)


def bars(axes: Axes, points: Points) -> None:
    """Draw a group of bars for each step, each series in its colour, with the prediction as a line across the bar."""
    groups = list(dict.fromkeys(cell.step for cell in points.cells))
    members = [[cell for cell in points.cells if cell.step == group] for group in groups]
    width = 0.8 / max(map(len, members))
    scale_y(axes, points.chart["log_y"], points.metric.show, points.all_values())
    for place, group in enumerate(members):
        for number, cell in enumerate(group):
            bar(axes, points, cell, place + (number - (len(group) - 1) / 2) * width, width, f"-{place + 1}")
    axes.set(xlabel=points.chart["x"], ylabel=points.metric.label)
    axes.set_xticks(range(len(groups)), [step(group) for group in groups])
    axes.tick_params(axis="x", length=0)


def bar(axes: Axes, points: Points, cell: CellResult, at: float, width: float, group: str) -> None:
    """Draw one bar with its interval, its prediction, and its number where there is room for numbers."""
    name, number = points.metric.name, points.names.index(series(cell))
    found, predicted = cell.estimates[name], cell.predicted.get(name)
    look = points.looks[number]
    hatch = HATCHES[look // len(SERIES) % len(HATCHES)]
    style: dict[str, Any] = {"facecolor": SERIES[look % len(SERIES)], "edgecolor": TEXT, "hatch": hatch, "linewidth": 0.0}
    void: dict[str, Any] = {"facecolor": "none", "edgecolor": VOID, "hatch": "////", "linewidth": 1.0}
    (drawn,) = axes.bar(at, found.value, width * 0.9, **(style if cell.valid else void))
    drawn.set_gid(points.id("measured" if cell.valid else "void", number) + group)
    intervals(axes, [(at, cell)], name, TEXT, points.id("interval", number) + group)
    top = max(found.value, found.high)
    if predicted is not None:
        ends, gid = (at - width / 2, at + width / 2), points.id("predicted", number) + group
        axes.plot(ends, [predicted] * 2, color=TEXT, linewidth=2, solid_capstyle="butt", gid=gid)
        if top < predicted < top + TOUCHING * max(points.all_values()):
            top = predicted  # otherwise the line would cross the number
    if len(points.cells) <= NUMBERED:
        label: dict[str, Any] = {"ha": "center", "fontsize": 7, "color": TEXT if cell.valid else VOID}
        axes.annotate(points.metric.show(found.value), (at, top), (0, 2), textcoords="offset points", **label)


def burst(axes: Axes, points: Points) -> None:
    """Draw when the n-th answer of a burst came: the prediction as steps, every run as dots."""
    count = len(points.cells)
    drawn: list[float] = []
    for number, cell in enumerate(points.cells):
        look = points.looks[points.names.index(series(cell))]
        colour, marker = SERIES[look % len(SERIES)], MARKERS[shape(look)]
        if predicted := ranks(cell.predicted):
            drawn += predicted.values()
            edges = [0.5, *(rank + 0.5 for rank in predicted)]
            steps = axes.stairs(list(predicted.values()), edges, baseline=None, color=colour, linestyle=dashed(number, count))
            steps.set_gid(points.id("predicted", number))
        # Side by side: otherwise dots of answers that came together would hide each other.
        aside = (number - (count - 1) / 2) * min(0.2, 0.7 / count)
        dots = [(rank + aside, seconds) for run in ranks_of_runs(cell) for rank, seconds in run.items()]
        drawn += (seconds for _, seconds in dots)
        if cell.valid:
            (line,) = axes.plot(*zip(*dots, strict=True), color=colour, linestyle="none", marker=marker, markersize=4)
            line.set_gid(points.id("measured", number))
        else:
            hollow(axes, dots, marker, points.id("void", number))
    every = sorted({rank for cell in points.cells for run in ranks_of_runs(cell) for rank in run})
    scale_x(axes, False, [float(rank) for rank in every], lambda value: f"{value:,.0f}")
    scale_y(axes, points.chart["log_y"], points.metric.show, drawn)
    axes.set(xlabel=points.chart["x"] or "answers, in the order in which they came", ylabel=points.metric.label)


def intervals(axes: Axes, placed: Sequence[tuple[float, CellResult]], name: str, colour: str, gid: str) -> None:
    """Draw a vertical line from low to high, grey for a cell that is not valid."""
    having = [(place, cell) for place, cell in placed if cell.estimates[name].low < cell.estimates[name].high]
    if having:
        at, cells = zip(*having, strict=True)
        colours = [colour if cell.valid else VOID for cell in cells]
        ends = [cell.estimates[name] for cell in cells]
        axes.vlines(at, [end.low for end in ends], [end.high for end in ends], colors=colours, linewidth=1.2, gid=gid)


def hollow(axes: Axes, dots: Sequence[tuple[float, float]], marker: str, gid: str) -> None:
    """Draw the markers of cells that are not valid."""
    axes.plot(*zip(*dots, strict=True), color=VOID, linestyle="none", marker=marker, markersize=4.5, markerfacecolor="none", gid=gid)


def ranks(values: Mapping[str, float]) -> dict[int, float]:
    """Return seconds by rank, in order."""
    found = {int(name.removeprefix("rank_")): seconds for name, seconds in values.items() if name.startswith("rank_")}
    return dict(sorted(found.items()))


def ranks_of_runs(cell: CellResult) -> list[dict[int, float]]:
    """Return seconds by rank for every run that has them."""
    return [found for run in cell.runs if (found := ranks(run.values))]


def ranked(cells: Sequence[CellResult]) -> list[CellResult]:
    """Return the cells whose runs contain when each answer came."""
    return [cell for cell in cells if ranks_of_runs(cell)]


DRAWINGS: dict[str, Callable[[Axes, Points], None]] = {"lines": lines, "bars": bars, "ranks": burst}

"""The charts of the laboratory: lines over steps, bars by step, and when each request of a burst ended.

A service has the same colour in every chart and on the page (nginx/html/style.css). The other colours are those of Okabe and Ito
(https://jfly.uni-koeln.de/color/), which readers with any colour vision can tell apart. Each series has a shape too. Where there
are more series than colours, a colour repeats with another shape.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from loadtest.metrics import METRICS, Metric, metric
from loadtest.report import drawings
from loadtest.report.canvas import NAMES, render
from loadtest.report.drawings import DRAWINGS, Points
from loadtest.report.rows import series, step
from loadtest.results import CellResult, ExperimentResult

# As characters, because the legend is text; in the order of the markers of drawings.py.
SHAPES = ("●", "■", "▲", "◆", "▼")
RANK = Metric("rank", "answered after", "s")


@dataclass(frozen=True)
class Key:
    """An entry of the legend. ``colour`` is a CSS variable of the page."""

    shape: str
    colour: str
    text: str


@dataclass(frozen=True)
class Drawing:
    """A chart and its legend. ``svg`` is ``None`` where there is nothing to draw; ``sentence`` says so then."""

    svg: str | None
    legend: tuple[Key, ...]
    sentence: str


def draw(experiment: ExperimentResult, prefix: str) -> Drawing:
    """Return the experiment's chart.

    ``prefix`` begins every id in it: ``chart-1-measured-2`` is the measurement of the second series.
    """
    chart = experiment.chart
    kind = chart["kind"]
    measured = [cell for cell in experiment.cells if chart["metric"] in cell.estimates]
    having = drawings.ranked(experiment.cells) if kind == "ranks" else measured
    drawn = METRICS.get(chart["metric"], RANK)
    if not having:
        label = drawn.label if drawn is not RANK else "when each answer came"
        return Drawing(None, (), f"Nothing is drawn: no cell has a measurement of {label}.")
    points = Points(having, drawn, chart)
    painter: Callable[[Axes, Points], None] = DRAWINGS[kind]
    sentence = described(points, kind)
    return Drawing(render(lambda axes: painter(axes, points), prefix, sentence), legend(points, kind), sentence)


def legend(points: Points, kind: str) -> tuple[Key, ...]:
    """Return entries for the series and for the symbols that are drawn."""
    # A bar has no marker. Where bar colours repeat, the bars are hatched.
    found = [
        Key("■▨▥"[look // 8 % 3] if kind == "bars" else SHAPES[drawings.shape(look)], NAMES[look % 8], name)
        for look, name in zip(points.looks, points.names, strict=True)
    ]
    if points.has_predictions(kind):
        found.append(Key("━" if kind == "bars" else "╌", "--text", "predicted before the run"))
    if kind != "ranks" and any(cell.estimates[points.metric.name].low < cell.estimates[points.metric.name].high for cell in points.cells):
        found.append(Key("│", "--text", "interval"))
    if any(not cell.valid for cell in points.cells):
        found.append(Key("▨" if kind == "bars" else "○", "--void", "not valid"))
    return tuple(found)


def described(points: Points, kind: str) -> str:
    """Return a sentence on what the chart shows, for readers who cannot see it."""
    parts = "; ".join(f"{name}: {told(points, [cell for cell in points.cells if series(cell) == name], kind)}" for name in points.names)
    what = {
        "lines": f"Lines of {points.metric.label} by {points.chart['x'] or 'step'}",
        "bars": f"Bars of {points.metric.label}" + (f" by {points.chart['x']}" if points.chart["x"] else ""),
        "ranks": "When each answer of a burst came",
    }[kind]
    return f"{what}. {parts}."


def told(points: Points, cells: Sequence[CellResult], kind: str) -> str:
    """Describe one series: its first and its last value, or all values of up to four cells."""
    if kind == "ranks":
        return "; ".join(ranks_told(cell) + noted(cell) for cell in cells)
    name = points.metric.name
    shown = cells if len(cells) <= 4 else [cells[0], cells[-1]]
    words = []
    for cell in shown:
        place = "" if cell.step == "" else f" at {step(cell.step)}"
        words.append(points.metric.show(cell.estimates[name].value) + place + noted(cell))
    return ", ".join(words) if shown is cells else f"from {words[0]} to {words[1]}"


def ranks_told(cell: CellResult) -> str:
    """Describe the first and the last answer, over all runs."""
    ends = [seconds for run in drawings.ranks_of_runs(cell) for seconds in run.values()]
    show = metric("rank_1").show
    return f"the first after {show(min(ends))}, the last after {show(max(ends))}"


def noted(cell: CellResult) -> str:
    return "" if cell.valid else " (not valid)"

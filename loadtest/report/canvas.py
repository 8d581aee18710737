"""A chart as inline SVG whose colours are CSS variables of the page, so that one drawing serves light, dark and print."""

import html
import re
import warnings
from collections.abc import Callable, Sequence
from io import StringIO
from math import ceil, floor, log10
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter, NullLocator

# Matplotlib draws with placeholder colours, and each is then replaced by its CSS variable. The first three series are the services,
# each with the same colour in every view and report. No service has one of the other colours.
SERIES = tuple(f"#0e0a0{number}" for number in range(1, 9))
SERVICES = ("Flask", "FastAPI", "Django")
NAMES = (*(f"--{name.lower()}" for name in SERVICES), *(f"--series-{number}" for number in range(1, 6)))
TEXT, SOFT, LINE, VOID = "#0e0b01", "#0e0b02", "#0e0b03", "#0e0b04"
VARIABLES = dict(zip(SERIES, NAMES, strict=True)) | {
    TEXT: "--text",
    SOFT: "--soft",
    LINE: "--line",
    VOID: "--void",
}
INCHES = (6.6, 3.1)
SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a dollar sign in a name is plain text
    "axes.unicode_minus": False,
    "font.size": 8.5,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": TEXT,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": TEXT,
    "ytick.labelcolor": TEXT,
    "hatch.linewidth": 0.8,
}
NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
# Space above the highest value, for markers and numbers.
ROOM = 1.1
# Smallest distance between the labels of an axis, as a share of its length.
APART = 0.07
Show = Callable[[float], str]


def render(draw: Callable[[Axes], None], prefix: str, sentence: str) -> str:
    """Return the SVG of what ``draw`` puts on the axes. Every id begins with ``prefix``, since a page has many charts."""
    with rc_context({**SETTINGS, "svg.hashsalt": prefix}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # the browser has more fonts
        figure = Figure(figsize=INCHES, dpi=72, facecolor="none", layout="constrained")
        axes = figure.add_subplot(facecolor="none")
        draw(axes)
        out = StringIO()
        figure.savefig(out, format="svg", metadata=NO_METADATA)
    return inline(out.getvalue(), prefix, sentence)


def inline(text: str, prefix: str, sentence: str) -> str:
    """Return an SVG file's text as an element of a page."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", text, flags=re.DOTALL)  # its style would apply to the whole page
    text = re.sub(r' (id="|xlink:href="#)', rf" \g<1>{prefix}-", text).replace("url(#", f"url(#{prefix}-")
    text = re.sub(r'font: ([\d.]+px) [^;"]*', r"font-size: \1", text)  # use the page's font
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    box = re.search(r'viewBox="[^"]*"', text)
    assert box is not None
    label = html.escape(sentence, quote=True)
    tag = f'<svg {box[0]} xmlns:xlink="http://www.w3.org/1999/xlink" role="img" aria-label="{label}">'
    return re.sub(r"<svg[^>]*>", lambda _: tag, text, count=1)


def scale_y(axes: Axes, log: bool, show: Show, values: Sequence[float]) -> None:
    """Scale the vertical axis: from zero, or logarithmic where asked for and all values are positive."""
    if log and min(values) > 0:
        logarithmic(axes, min(values), max(values), show)
        return
    axes.set_ylim(bottom=min(0.0, *values), top=max(values) * ROOM if max(values) > 0 else 1.0)
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    plain(axes.yaxis, show)


def logarithmic(axes: Axes, low: float, high: float, show: Show) -> None:
    """Scale the vertical axis logarithmically, with labels at 1, 2, 5, 10 ..., or at powers of ten where the axis is long."""
    first, last = floor(log10(low * 0.9)), ceil(log10(high * 1.1))
    within = [part * 10.0**power for power in range(first, last + 1) for part in (1, 2, 5)]
    bottom = max(tick for tick in within if tick <= low * 0.9)
    top = min(tick for tick in within if tick >= high * 1.1)
    decades = log10(top / bottom)
    chosen = within if decades < 2.2 else [10.0**power for power in range(first, last + 1)][:: max(1, ceil(decades / 7))]
    axes.set(yscale="log", ylim=(bottom, top))
    axes.yaxis.set_major_locator(FixedLocator([tick for tick in chosen if bottom <= tick <= top]))
    plain(axes.yaxis, show)


def scale_x(axes: Axes, log: bool, places: Sequence[float], show: Show) -> None:
    """Scale the horizontal axis, with labels at the cells' steps as far as the labels do not touch."""
    log = log and min(places) > 0
    if log:
        axes.set_xscale("log")
    at = [log10(place) if log else place for place in places]
    least = APART * (max(at) - min(at))
    kept: list[float] = []
    for place, position in sorted(zip(places, at, strict=True)):
        if not kept or position - (log10(kept[-1]) if log else kept[-1]) >= least:
            kept.append(place)
    axes.xaxis.set_major_locator(FixedLocator(kept))
    plain(axes.xaxis, show)


def plain(axis: Axis, show: Show) -> None:
    """Use plain numbers as labels, and no minor ticks."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: show(value) if value else "0"))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())

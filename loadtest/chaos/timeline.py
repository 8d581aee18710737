"""Draw the timeline of a fault: the answers in each tenth of a second, and their answer times."""

from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from loadtest.chaos.results import BIN_SECONDS, Bin, CaseResult
from loadtest.metrics import duration, number
from loadtest.report.canvas import LINE, SERIES, SOFT, TEXT, plain, render, scale_y

RIGHT, MEDIAN, LOST, LONGEST = SERIES[3], SERIES[4], SERIES[6], SERIES[7]  # none of these colours stands for a service


def answers(case: CaseResult, prefix: str) -> str:
    """Draw the numbers of right and lost answers as SVG."""
    sentence = f"Answers in each tenth of a second: {case.counts.get('right', 0)} right, {sum(case.lost.values()) + case.cut} lost."

    def draw(axes: Axes) -> None:
        edges = [number * BIN_SECONDS for number in range(len(case.bins) + 1)]
        right, lost = [one.right for one in case.bins], [one.lost for one in case.bins]
        axes.stairs(right, edges, fill=True, color=RIGHT, alpha=0.6, gid="right")
        if any(lost):
            both = [one + other for one, other in zip(right, lost, strict=True)]
            axes.stairs(both, edges, baseline=right, fill=True, color=LOST, gid="lost")
        scale_y(axes, False, number, [float(one.right + one.lost) for one in case.bins] or [0.0])
        axes.set(ylabel="ended in 0.1 s")
        finish(axes, case)

    return render(draw, prefix, sentence)


def times(case: CaseResult, prefix: str) -> str:
    """Draw the median and the longest answer time in each tenth of a second as SVG."""
    sentence = f"Answer times: p99 {duration(case.calm_p99)} before the fault, {duration(case.fault_p99)} until all was whole again."

    def draw(axes: Axes) -> None:
        longest = line(case.bins, lambda one: one.longest)
        median = line(case.bins, lambda one: one.median)
        for (at, values), colour, gid in ((longest, LONGEST, "longest"), (median, MEDIAN, "median")):
            if at:
                axes.plot(at, values, color=colour, linewidth=1.2, gid=gid)
        scale_y(axes, True, duration, [*longest[1], *median[1]] or [0.0])
        axes.set(ylabel="answered after")
        finish(axes, case)

    return render(draw, prefix, sentence)


def line(bins: Sequence[Bin], of: Callable[[Bin], float | None]) -> tuple[list[float], list[float]]:
    """Return the times and values of the bins that have a value."""
    points = [((place + 0.5) * BIN_SECONDS, value) for place, one in enumerate(bins) if (value := of(one)) is not None]
    return [at for at, _ in points], [value for _, value in points]


def finish(axes: Axes, case: CaseResult) -> None:
    """Finish the time axis and mark the moments of the fault."""
    axes.axvspan(case.began, case.whole, color=LINE, alpha=0.5, linewidth=0, zorder=0, gid="fault")
    axes.axvline(case.began, color=TEXT, linewidth=1.0, gid="began")
    axes.axvline(case.whole, color=SOFT, linewidth=1.0, linestyle=(0, (3, 2)), gid="whole")
    axes.set_xlim(0, len(case.bins) * BIN_SECONDS or 1)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    plain(axes.xaxis, number)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value) if value else "0"))
    axes.set(xlabel="seconds since the load began")

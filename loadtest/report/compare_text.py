"""A comparison of two runs as tables for a terminal of 100 columns, and as Markdown."""

from collections import Counter
from typing import get_args

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from loadtest.metrics import metric, number
from loadtest.report.compare import Change, Comparison, Row
from loadtest.report.text import escaped
from loadtest.report.text import table as markdown_table

HEADINGS = ("cell", "metric", "a", "b", "b / a", "noise", "result")


def changed(comparison: Comparison) -> str:
    """Return the sentence that comes first: how many numbers changed."""
    if not comparison.rows:
        return "No cell is in both runs and valid in both, so nothing is compared."
    counts = Counter(row.change for row in comparison.rows)
    return (
        ", ".join(f"{counts[change]} {change}" for change in get_args(Change) if counts[change]) + f", of {len(comparison.rows)} numbers."
    )


def texts(row: Row) -> list[str]:
    """Return the texts of one row of the table."""
    show = metric(row.metric).show
    times = "-" if row.ratio is None else f"{number(row.ratio.value)} ({number(row.ratio.low)} to {number(row.ratio.high)})"
    floor = "-" if row.floor is None else f"{number(100 * row.floor)} %"
    result = f"{row.change}: {row.why}" if row.why else row.change
    return [f"{row.experiment}: {row.cell}", metric(row.metric).label, show(row.a), show(row.b), times, floor, result]


def tables(comparison: Comparison) -> Group:
    """Return what ``make compare`` prints."""
    numbers = grid(*HEADINGS)
    for row in comparison.rows:
        numbers.add_row(*map(Text, texts(row)), style="bold" if row.change == "changed" else "")
    parts: list[Table | Text] = [
        Text(f"a is {comparison.a}, b is {comparison.b}: {changed(comparison)}"),
        *([numbers] if comparison.rows else []),
    ]
    for title, lines in (("verdict", comparison.flips), ("different", comparison.manifest)):
        if lines:
            other = grid(title, "a", "b")
            for line in lines:
                other.add_row(*map(Text, line))
            parts.append(other)
    return Group(*parts, *(Text(f"Left out: {sentence}.") for sentence in comparison.left_out))


def grid(*headings: str) -> Table:
    """Return an empty table."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=0)
    for heading in headings:
        table.add_column(heading, overflow="fold", justify="right" if heading in ("a", "b", "noise") and len(headings) > 3 else "left")
    return table


def markdown(comparison: Comparison) -> str:
    """Return the comparison as Markdown for a pull request."""
    parts = [
        f"# {escaped(comparison.b)} against {escaped(comparison.a)}",
        f"a is {escaped(comparison.a)}, b is {escaped(comparison.b)}: {changed(comparison)}",
    ]
    if comparison.rows:
        parts.append(markdown_table(HEADINGS, [texts(row) for row in comparison.rows]))
    if comparison.flips:
        parts.append(markdown_table(("verdict", "a", "b"), comparison.flips))
    if comparison.manifest:
        parts.append(markdown_table(("different", "a", "b"), comparison.manifest))
    if comparison.left_out:
        parts.append("\n".join(f"- Left out: {escaped(sentence)}." for sentence in comparison.left_out))
    return "\n\n".join(parts) + "\n"

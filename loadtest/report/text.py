"""Results as text: tables for a terminal of 100 columns, and Markdown for a pull request."""

import re
from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from loadtest.judging.steadiness import sentence
from loadtest.metrics import number
from loadtest.report import rows
from loadtest.results import CellResult, ExperimentResult, Results

STYLES = {
    "holds": "green",
    "holds with a limit": "yellow",
    "does not hold": "red",
    "no difference seen": "dim",
    "not valid": "dim",
    "failed": "red",
}


def summary_table(results: Results) -> Table:
    """Return a table with claim, prediction, measurement and verdict of every experiment."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading, ratio in (("claim", 4), ("prediction", 3), ("measured", 4)):
        table.add_column(heading, ratio=ratio)
    table.add_column("verdict", min_width=10, ratio=2)
    for experiment in results.experiments:
        outcome = experiment.verdict.outcome
        texts = (experiment.claim, rows.prediction(experiment), rows.measured(experiment))
        table.add_row(*map(Text, texts), Text(f"{rows.MARKS[outcome]} {outcome}", style=STYLES[outcome]))
    return table


def experiment_table(experiment: ExperimentResult) -> Table:
    """Return a table with the numbers of an experiment.

    Only the main metric has its interval, because 100 columns have no room for more. The reasons for cells that are not valid are below.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=0)
    columns, steps, first = rows.columns(experiment), rows.steps(experiment), rows.headline(experiment)
    table.add_column("variant", overflow="fold")
    if steps:
        table.add_column(Text(steps), justify="right", overflow="fold")
    for column in columns:
        heading = "predicted" if column.predicted else column.heading.replace(" ", "\n")  # it is the column after the measured one
        table.add_column(Text(heading), justify="right", no_wrap=True)
    table.add_column("bottleneck", overflow="fold")
    experiment = experiment.marked()
    for cell in experiment.cells:
        place = [Text(rows.step(cell.step))] if steps else []
        limiter = Text(cell.limiter if cell.valid else "not valid")
        values = [entry(column, cell, first) for column in columns]
        table.add_row(Text(rows.series(cell)), *place, *values, limiter, style="" if cell.valid else "dim")
    below = rows.reasons(experiment)
    table.caption = Text("\n".join(below)) if below else None
    table.caption_justify = "left"
    return table


def entry(column: rows.Column, cell: CellResult, first: str | None) -> Text:
    """Return a number, with its interval below it for the main metric."""
    interval = column.interval(cell) if column.metric == first else ""
    return Text("\n".join(filter(None, (column.text(cell), interval))))


def markdown(results: Results) -> str:
    """Return the text of report.md: the summary, and the numbers of every experiment."""
    results = results.marked()
    summary = [
        [experiment.claim, rows.prediction(experiment), rows.measured(experiment), f"{rows.MARKS[outcome]} {outcome}"]
        for experiment in results.experiments
        for outcome in [experiment.verdict.outcome]
    ]
    session = results.session
    noise = ", ".join(f"{label} {share}" for label, share in rows.floor(session)) or "not measured"
    parts = [
        f"# {escaped(results.name)}",
        *map(escaped, rows.first_lines(results)),
        f"{escaped(rows.kind(results))}, {escaped(str(results.manifest.get('time', 'time unknown')))}.",
        table(("claim", "prediction", "measured", "verdict"), summary),
        f"Generator: {session.generators} processes, each at most {number(session.ceiling)} requests/s. Noise floor: {escaped(noise)}. "
        f"{sentence(results)}".rstrip(),
        *map(experiment_markdown, results.experiments),
    ]
    return "\n\n".join(parts) + "\n"


def experiment_markdown(experiment: ExperimentResult) -> str:
    """Return one experiment: verdict, checks, numbers."""
    columns, steps = rows.columns(experiment), rows.steps(experiment)
    headings = ["variant", *([steps] if steps else []), *(column.heading for column in columns), "bottleneck", "valid"]

    def line(cell: CellResult) -> list[str]:
        shown = [f"{column.text(cell)}" + (f" ({column.interval(cell)})" if column.interval(cell) else "") for column in columns]
        return [rows.series(cell), *([rows.step(cell.step)] if steps else []), *shown, cell.limiter, rows.validity(cell)]

    verdict = experiment.verdict
    checks = [f"- {rows.CHECK_MARKS[check.passed]} {rows.CHECKED[check.passed]}: {escaped(check.text)}" for check in verdict.checks]
    parts = [
        f"## {escaped(experiment.question)}",
        f"Claim: {escaped(experiment.claim)} Compared at: {escaped(experiment.frame)}.",
        f"**{rows.MARKS[verdict.outcome]} {verdict.outcome}.** {escaped(verdict.sentence)}",
        *(["\n".join(checks)] if checks else []),
        table(headings, [line(cell) for cell in experiment.cells]),
        escaped(experiment.misreading),
        f"Again: {code(experiment.command)}",
    ]
    return "\n\n".join(parts)


def table(headings: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    rule = "|---" * len(headings) + "|"
    return "\n".join([row(headings), rule, *map(row, lines)])


def row(texts: Sequence[str]) -> str:
    return f"| {' | '.join(map(escaped, texts))} |"


def escaped(text: str) -> str:
    """Return the text on one line, escaped for Markdown and the HTML in it."""
    one_line = " ".join(text.split())
    return re.sub(r"([\\`*_{}\[\]<>|~#&$@])", r"\\\1", one_line)


def code(text: str) -> str:
    """Return a command as inline code, between more backticks than it contains."""
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    return f"{fence} {text} {fence}" if "`" in text else f"`{text}`"

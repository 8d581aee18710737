"""Results as a table for a terminal, and as files: results.json and a page that needs nothing else."""

import json
import os
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from rich.box import SIMPLE_HEAD
from rich.table import Table

from loadtest.latency import Summary
from loadtest.results import Cell, Results
from loadtest.sentences import duration, number
from loadtest.workloads import WORKLOADS


def columns(cell: Cell, results: Results) -> dict[str, str]:
    """A row of the table as text, by column: the same in the terminal and on the page."""
    ratio = "-" if cell.ratio is None else f"{cell.ratio:.2f}"
    row = {
        "service": cell.service.name,
        "has": cell.service.shape,
        "users": f"{cell.users:,}",
        "predicted": number(cell.predicted),
        "measured": number(cell.measured),
        "ratio": "not valid" if cell.not_valid else ratio,
        "p50": percentile(cell.latency, "p50"),
        "p95": percentile(cell.latency, "p95"),
        "p99": percentile(cell.latency, "p99"),
    }
    if any(other.first_piece for other in results.cells):
        row["first p50"] = percentile(cell.first_piece, "p50")
        row["first p99"] = percentile(cell.first_piece, "p99")
    return row | {"failed": f"{cell.failures:,}"}


def percentile(summary: Summary | None, name: str) -> str:
    """One of a summary's percentiles as text."""
    return duration(getattr(summary, name, None))


def notes(results: Results) -> list[str]:
    """What a reader must know of single rows: why one is not valid, and what failed."""
    said = []
    for cell in results.cells:
        if cell.not_valid:
            said.append(f"{cell.service.name} is not valid: {cell.not_valid}.")
        if cell.failures_outside:
            said.append(f"{cell.service.name} also failed {cell.failures_outside:,} requests before or after the window.")
        said += [f"{cell.service.name}, {times:,} times: {error}" for error, times in cell.errors.items()]
    return said


def table(results: Results) -> Table:
    """The rows for a terminal, with their notes below."""
    rows = [columns(cell, results) for cell in results.cells]
    title = f"{headline(results)}; requests per second"
    caption = "\n".join(notes(results)) or None
    drawn = Table(title=title, title_justify="left", caption=caption, caption_justify="left", box=SIMPLE_HEAD, padding=0)
    for name in rows[0]:
        drawn.add_column(name, justify="left" if name in ("service", "has") else "right")
    for cell, row in zip(results.cells, rows, strict=True):
        drawn.add_row(*row.values(), style="dim" if cell.not_valid else None)
    return drawn


def headline(results: Results) -> str:
    """What was run, in a few words."""
    options = results.options
    path = WORKLOADS[options.workload].path.format(**asdict(options.parameters))
    return f"/{path}: {options.users:,} users, {options.seconds:g} s on each service"


def as_json(results: Results) -> str:
    """results.json: seconds, requests per second, and shares of one."""
    return json.dumps({"format": 1, **asdict(results)}, indent=2, ensure_ascii=False)


def page(results: Results) -> str:
    """The page, in one file."""
    jinja = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    highest = max(value for cell in results.cells for value in (cell.measured, cell.predicted or 0.0)) or 1.0
    return jinja.get_template("report.html").render(
        title=headline(results),
        results=results,
        rows=[columns(cell, results) for cell in results.cells],
        share=lambda value: f"{100 * value / highest:.2f}%",
        number=number,
        notes=notes(results),
    )


def write(results: Results, folder: Path) -> Path:
    """Write both files into a new folder in ``folder``, point ``latest`` at it, and return the page's path."""
    time = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    folder.mkdir(parents=True, exist_ok=True)
    for attempt in count(1):
        place = folder / f"{time}{'' if attempt == 1 else f'-{attempt}'}-load"
        try:
            place.mkdir()
            break
        except FileExistsError:
            continue
    (place / "results.json").write_text(as_json(results) + "\n", encoding="utf-8")
    (place / "index.html").write_text(page(results), encoding="utf-8")
    fresh = folder / f".latest-{os.getpid()}"
    fresh.symlink_to(place.name)
    fresh.replace(folder / "latest")
    return place / "index.html"

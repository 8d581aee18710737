"""The tables for people, and the JSON with all data."""

from dataclasses import asdict, dataclass
from itertools import product
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from loadtest.bench import images, memory
from loadtest.bench.cells import CALLERS, CALLS, COMPARISONS, NOISE, QUERIES
from loadtest.bench.images import Image
from loadtest.bench.memory import Part
from loadtest.bench.results import Costs, Interval, Spread, Verdict

MICROSECONDS = "µs"


@dataclass(frozen=True)
class Report:
    """All results of a run."""

    manifest: dict[str, Any]
    costs: Costs
    idle: list[Part]
    containers: list[Part] | None
    images: list[Image]
    missing_images: list[str]

    @property
    def failed(self) -> dict[str, list[str]]:
        """The cells in which a request failed, with the reasons."""
        return self.costs.failed


def show(report: Report, console: Console) -> None:
    """Print everything."""
    if report.costs.samples:
        console.print(cost_table(report))
        for sentence in how_measured(report.manifest):
            console.print(sentence)
        if added := report.costs.difference("nginx live", "nginx"):
            interval = f"{added.median:.1f} ({added.low:.1f} to {added.high:.1f})"
            console.print(f"The second log, for the page's live view, adds {interval} {MICROSECONDS} to a request of nginx.")
        console.print("", query_table(report.costs))
        for sentence in QUERY_NOTES:
            console.print(sentence)
        console.print("", call_table(report.costs))
        console.print(f"Alone, its answer to /wait?seconds=0 costs the upstream {number(report.costs.cost('upstream'))} {MICROSECONDS}.")
    if report.idle:
        console.print("", memory_table("Memory of the idle stack as local processes, MiB", report.idle))
        console.print("Proportional set size: what other processes share with these, another running stack for one, counts in parts.")
    if report.containers:
        console.print("", memory_table("Memory of the containers that run now, MiB, as docker stats counts it", report.containers))
    if report.images:
        console.print("", image_table(report.images))
    for sentence in report.missing_images:
        console.print(f"No image size: {sentence}")
    for cell, reasons in report.failed.items():
        console.print(f"Not valid: {cell}, {len(reasons)} failed; the first: {reasons[0]}.")


def new_table(title: str, *headings: str) -> Table:
    """Return an empty table. The first column is text, the others are figures, and a column without a heading is left-aligned."""
    table = Table(title=title, title_justify="left")
    for heading in headings:
        table.add_column(heading, justify="right" if heading else "left")
    return table


def cost_table(report: Report) -> Table:
    """Return a table with a row for each service and one for Nginx."""
    title = f"CPU time of one request of /json, {MICROSECONDS}: median of {report.manifest['rounds']} rounds (least to greatest)"
    table = new_table(title, "", "ours", "plain", "bare", "ours / plain", "aim", "")
    costs = report.costs
    for comparison in COMPARISONS:
        name = comparison.cell
        verdict = costs.verdict(comparison)
        bare = number(costs.cost(f"{name} bare")) if name in CALLERS else ""
        figures = [number(costs.cost(name)), number(costs.cost(comparison.other)), bare, ratio(costs.ratio(name, comparison.other))]
        table.add_row(name, *figures, f"{comparison.aim:.2f}", verdict.words if verdict else "not valid")
    table.add_row("noise", "", "", "", ratio(costs.ratio(*NOISE)), "", "")
    return table


def how_measured(manifest: dict[str, Any]) -> list[str]:
    """Return sentences that explain the columns and the method."""
    apart = "on a CPU of its own" if manifest["own_cpu"] else "on the servers' CPU"
    return [
        "plain: the framework's own example without middleware; for nginx, its default proxying. bare: a callable without a framework.",
        "Every server has one worker, those of plain and bare with default settings. noise: plain Flask twice, one over the other.",
        "ours / plain: median of the rounds' quotients, and the interval that holds it with 95 %.",
        f"{manifest['connections']} connections, their generator {apart}. Read from {manifest['meter']}. Seed {manifest['seed']}.",
    ]


QUERY_NOTES = [
    "server: the bare callable. framework: /json less that. driver: a bare callable with psycopg alone, less the server. rest: what",
    "is left of ours: the ORM or SQLAlchemy, the pool, and making JSON of rows. PostgreSQL: its own processes, while ours asked.",
]


def query_table(costs: Costs) -> Table:
    """Return the cost of a request with one database query, and the share of each layer."""
    title = f"CPU time of one request that asks the database, {MICROSECONDS}: one board, and a page of 20 messages"
    table = new_table(title, "", "ours", "server", "framework", "driver", "rest", "ours / driver alone", "ours / its json", "PostgreSQL")
    for name, query in product(CALLERS, QUERIES):
        ours, alone, plain, bare = f"{name} {query}", f"{name} driver {query}", name, f"{name} bare"
        differences = [costs.difference(*pair) for pair in ((plain, bare), (alone, bare), (ours, plain))]
        server = costs.cost(bare)
        if server is None or ours not in costs.also:
            continue
        framework, driver, more = (found.median if found else 0.0 for found in differences)
        shares = [f"{share:.0f}" for share in (server.median, framework, driver, more - driver)]
        table.add_row(
            f"{name} {query}",
            number(costs.cost(ours)),
            *shares,
            ratio(costs.ratio(ours, alone)),
            ratio(costs.ratio(ours, plain)),
            f"{median(costs.also[ours]):.0f}",
        )
    return table


def call_table(costs: Costs) -> Table:
    """Return what a call to the upstream costs each side."""
    title = f"CPU time of one call to the upstream, {MICROSECONDS}: a request with {CALLS} calls less one of /json"
    table = new_table(title, "", "caller", "upstream", "upstream / caller")
    for name in CALLERS:
        found = costs.difference(f"{name} calls", name)
        if found:
            caller, upstream = found.median / CALLS, median(costs.also[f"{name} calls"]) / CALLS
            table.add_row(name, f"{caller:.0f}", f"{upstream:.0f}", f"{upstream / caller:.0%}")
    return table


def memory_table(title: str, parts: list[Part]) -> Table:
    """Return a table with a row for each part, and their sum beside the aim."""
    total = Part("together", sum(part.processes for part in parts), sum(part.mib for part in parts))
    table = new_table(title, "", "processes", "memory", "aim", "")
    for part in parts:
        table.add_row(part.name, str(part.processes), f"{part.mib:.0f}", "", "")
    table.add_row(total.name, str(total.processes), f"{total.mib:.0f}", str(memory.AIM_MIB), Verdict(total.mib, memory.AIM_MIB).words)
    return table


def image_table(found: list[Image]) -> Table:
    """Return a table with a row for each image."""
    table = new_table("Size of the images, MB", "", "size", "base", "added", "aim", "")
    for image in found:
        sizes = [f"{size:.1f}" for size in (image.size, image.base, image.added)]
        table.add_row(image.name, *sizes, str(images.AIM_MB), Verdict(image.added, images.AIM_MB).words)
    return table


def number(spread: Spread | None) -> str:
    """Format a spread: ``97 (95 to 101)``."""
    if spread is None:
        return "-"
    digits = 0 if spread.median >= 100 else 1
    return f"{spread.median:.{digits}f} ({spread.least:.{digits}f} to {spread.greatest:.{digits}f})"


def ratio(interval: Interval | None) -> str:
    """Format an interval: ``1.020 (0.990 to 1.040)``."""
    return "-" if interval is None else f"{interval.median:.3f} ({interval.low:.3f} to {interval.high:.3f})"


def as_dict(report: Report) -> dict[str, Any]:
    """Return all data for ``--json``: enough to draw the tables from it."""
    costs = report.costs
    comparisons = []
    for comparison in COMPARISONS:
        verdict = costs.verdict(comparison)
        found = costs.ratio(comparison.cell, comparison.other)
        if verdict and found:
            comparisons.append({**asdict(comparison), "ratio": asdict(found), "met": verdict.met})
    return {
        "manifest": report.manifest,
        "samples": [asdict(sample) for sample in costs.samples],
        "comparisons": comparisons,
        "noise": costs.noise,
        "idle_stack_mib": [asdict(part) for part in report.idle],
        "containers_mib": report.containers and [asdict(part) for part in report.containers],
        "images_mb": [{**asdict(image), "added": image.added} for image in report.images],
        "aims": {"idle_stack_mib": memory.AIM_MIB, "image_added_mb": images.AIM_MB},
        "missing": report.missing_images,
        "failed": report.failed,
    }

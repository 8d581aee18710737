"""The table for a terminal, the page with the timelines, and the folder of a run."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import ChoiceLoader, PackageLoader
from markupsafe import Markup
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from loadtest.chaos import SETTINGS, timeline
from loadtest.chaos.results import CaseResult, ChaosResults, after
from loadtest.metrics import duration
from loadtest.report.files import new_folder, point
from loadtest.report.page import ENVIRONMENT, in_words

HEADINGS = ("fault", "GET", "POST", "upstream", "stream", "cut", "closed", "p99 before", "p99 during", "answers", "whole", "promise")
BOARD_HEADINGS = ("fault", "acknowledged", "missing", "doubled", "refused", "wrong", "longest", "served again")
EXPLAINED = {
    "configured": "The stack as compose.yaml and nginx/ have it, with two replicas of each service.",
    "plain": "The same without retry, ejection, keep-alive ordering and Daphne's graceful stop (loadtest/chaos/override.py).",
}
# Maximum number of losses that the page lists for one fault.
MOST = 40
# Width of a table that does not go to a terminal.
PLAIN_WIDTH = 140


def row(case: CaseResult) -> list[str]:
    """Return a fault's row of the table, in the order of the headings."""
    lost = [str(case.lost[kind] or "-") for kind in ("get", "post", "upstream", "stream")]
    sockets = [str(case.cut or "-"), str(case.closed or "-")]
    times = [duration(one) for one in (case.calm_p99, case.fault_p99, case.answers_after or None, case.whole_after)]
    return [case.name, *lost, *sockets, *times, "✓ kept" if case.kept else "✗ broke"]


def board_row(case: CaseResult) -> list[str]:
    """Return a fault's row of the notice board's table; empty if no client used the board."""
    board = case.board
    if board is None:
        return []
    counts = (board.acknowledged, board.missing, board.doubled, board.refused, board.wrong)
    return [case.name, *map(str, counts), duration(board.longest), after(board.back)]


def show(results: ChaosResults, console: Console) -> None:
    """Print a table for each setting."""
    for setting in settings(results.cases):
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=f"{setting}: lost, recovered after, kept", title_justify="left")
        for place, heading in enumerate(HEADINGS):
            table.add_column(heading, justify="left" if place in (0, len(HEADINGS) - 1) else "right", no_wrap=place == 0)
        mine = [case for case in results.cases if case.setting == setting]
        for case in mine:
            table.add_row(*map(Text, row(case)), style="" if case.kept else "red")
        console.print(table)
        if any(case.board for case in mine):
            boards = Table(box=box.SIMPLE_HEAD, pad_edge=False, title="the notice board meanwhile", title_justify="left")
            for place, heading in enumerate(BOARD_HEADINGS):
                boards.add_column(heading, justify="right" if place else "left", no_wrap=not place)
            for line in filter(None, map(board_row, mine)):
                boards.add_row(*map(Text, line))
            console.print(boards)
        for case in mine:
            if case.broken:
                console.print(f"{case.name} broke its promise: {'; '.join(case.broken)}.", markup=False)
        console.print(totals(mine), markup=False)


def totals(cases: Sequence[CaseResult]) -> str:
    """Return the totals of a setting as a sentence."""
    lost = sum(sum(case.lost.values()) + case.cut for case in cases)
    excused = sum(case.excused for case in cases)
    planned = sum(case.planned for case in cases)
    sentence = f"{planned} requests and sockets, {lost} lost, {excused} of them as is allowed, {lost - excused} not."
    if busy := [case.name for case in cases if case.disturbed]:
        sentence += f" The machine was busy with something else during {', '.join(busy)}: do it again when it is quiet."
    return sentence


def settings(cases: Sequence[CaseResult]) -> list[str]:
    """Return the settings that were run, in the order of SETTINGS."""
    return [setting for setting in SETTINGS if any(case.setting == setting for case in cases)]


def write(results: ChaosResults, folder: Path) -> Path:
    """Write a new folder below ``folder``, point ``latest-chaos`` to it, and return it. Raise OSError if it cannot be written."""
    made = new_folder(folder, f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-chaos")
    (made / "chaos.json").write_text(json.dumps(asdict(results), indent=1) + "\n", encoding="utf-8")
    (made / "report.html").write_text(page(results), encoding="utf-8")
    point(folder / "latest-chaos", made.name)
    return made


def page(results: ChaosResults) -> str:
    """Return the page as one self-contained HTML file."""
    # Look up templates here first, then among those of the report, which this page includes.
    environment = ENVIRONMENT.overlay(loader=ChoiceLoader([PackageLoader("loadtest.chaos", "."), PackageLoader("loadtest", "report")]))
    numbered = list(enumerate(results.cases))
    drawings = [
        [Markup(made(case, f"{name}-{number}")) for name, made in (("answers", timeline.answers), ("times", timeline.times))]  # noqa: S704
        for number, case in numbered
    ]
    return environment.get_template("page.html").render(
        results=results,
        settings=settings(results.cases),
        numbered=numbered,
        drawn=drawings,
        row=row,
        after=after,
        in_words=in_words,
        HEADINGS=HEADINGS,
        board_row=board_row,
        BOARD_HEADINGS=BOARD_HEADINGS,
        EXPLAINED=EXPLAINED,
        MOST=MOST,
    )

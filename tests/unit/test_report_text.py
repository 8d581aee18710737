"""Results as tables in a terminal and as Markdown."""

import re
from dataclasses import replace

import pytest
from rich.console import Console
from rich.table import Table

from loadtest.metrics import METRICS, duration, metric, number
from loadtest.model import Chart
from loadtest.report import rows
from loadtest.report.text import experiment_table, markdown, summary_table
from loadtest.results import Check, Estimate, ExperimentResult, Results, Verdict
from tests.unit.lab_results import cell, everything, experiment, queue, results, shorts, thousands
from tests.unit.test_report_page import evil


def printed(table: Table, width: int = 100) -> list[str]:
    console = Console(width=width)
    with console.capture() as capture:
        console.print(table)
    return [line.rstrip() for line in capture.get().splitlines()]


@pytest.mark.parametrize(
    ("value", "text"), [(None, "-"), (0, "0"), (9.987, "9.99"), (40.0, "40"), (99.96, "100"), (1234.5, "1,234"), (3e9, "3,000,000,000")]
)
def test_number(value: float | None, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (0.000768, "768 µs"), (0.00099951, "1 ms"), (0.1017, "102 ms"), (0.9996, "1 s"), (1.6249, "1.62 s"), (86400, "86,400 s")],
)
def test_duration(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_every_value_of_a_run_has_a_label() -> None:
    assert all(found.label for found in METRICS.values())
    assert METRICS["min"].show(0.1) == "100 ms"
    assert metric("rank_3").label == "answer 3 after"


@pytest.mark.parametrize(
    ("name", "estimate", "text"),
    [
        ("p99", Estimate(1.61, 1.6, 1.63), "1.6 to 1.63 s"),
        ("p99", Estimate(1.0, 0.99, 1.03), "990 ms to 1.03 s"),
        ("throughput", Estimate(1560, 1529, 1591), "1,529 to 1,591"),
        ("throughput", Estimate(5, 5, 5), ""),
    ],
)
def test_interval(name: str, estimate: Estimate, text: str) -> None:
    assert rows.interval(name, estimate) == text


def test_summary_reads_well_at_100_columns() -> None:
    lines = printed(summary_table(everything()))
    assert max(map(len, lines)) <= 100
    text = " ".join(" ".join(lines).split())
    assert "◐ holds with a limit" in text
    assert "✓ holds" in text
    assert "∅ not valid" in text
    assert "nothing valid" in text
    assert "…" not in text


@pytest.mark.parametrize("one", [thousands(), queue(), shorts()], ids=lambda one: str(one.name))
def test_numbers_are_whole_at_100_columns(one: ExperimentResult) -> None:
    lines = printed(experiment_table(one))
    assert max(map(len, lines)) <= 100
    assert not any("…" in line for line in lines)


def test_experiment_table_has_numbers_predictions_and_reasons() -> None:
    lines = printed(experiment_table(thousands()))
    (row,) = [line.split() for line in lines if "1,560" in line]
    assert row[-14:] == ["2,000", "1,560", "2,000", "1.28", "s", "1.54", "s", "640", "0.998", "8", "ms", "61.5", "server", "CPU"]
    assert any("1,529 to 1,591" in line for line in lines)
    text = " ".join(" ".join(lines).split())
    assert "Django, 1 loop, users 2,000 is not valid: generator had room: 105% of a CPU. Fewer users, longer requests" in text
    assert sum("not valid" in line for line in lines) == 2


def test_names_that_look_like_markup_are_printed_as_they_are() -> None:
    text = " ".join(printed(experiment_table(experiment(cell("[red]Flask[/red]", throughput=1.0)))))
    assert "[red]Flask[/red]" in text
    assert "[b]claim" in " ".join(printed(summary_table(results(experiment(claim="[b]claim")))))


def test_prediction_is_of_the_cells_that_are_shown_as_measured() -> None:
    assert rows.measured(queue()) == "all done after: 1.03 s (FastAPI, 1 loop) to 2.04 s (Flask, 4 sync workers)"
    assert rows.prediction(queue()) == "all done after: 1 s to 2 s; met in 3 of 3"
    assert rows.prediction(experiment(verdict=Verdict("holds", "Yes."))) == "none"


def test_markdown_has_tables_of_one_width() -> None:
    text = markdown(everything())
    assert text.startswith(
        "# everything\n\n∅ empty: not valid. No cell.\n\nA full run, 2026-11-21T10:00:00+00:00.\n\n"
        "| claim | prediction | measured | verdict |\n|---|---|---|---|\n"
    )
    for table in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(widths) == 1, table
    assert "| FastAPI, 1 loop | 2,000 | 1,560 (1,529 to 1,591) | 2,000 | 1.28 s (1.26 to 1.31 s) |" in text
    assert "not valid: generator had room: 105% of a CPU |" in text
    assert "**◐ holds with a limit.** One FastAPI worker" in text
    assert "- ✗ not passed: Django, 1 loop, 1000: requests/s 610" in text
    assert "`make lab X=thousands`" in text


def test_markdown_escapes() -> None:
    text = markdown(evil())
    assert "\\<script\\>" in text
    outside = re.sub(r"`[^`]*`", "", text)
    assert "<script" not in re.sub(r"\\.", "", outside)
    one = results(experiment(claim="a | b\nc `d`", command="make lab X=`q`"))
    assert "a \\| b c \\`d\\`" in markdown(one)
    assert "`` make lab X=`q` ``" in markdown(one)


def test_markdown_of_nothing() -> None:
    nothing: Results = results(noise={}, manifest={}, full=False)
    assert "A quick run: few repeats, so intervals are wide, time unknown." in markdown(nothing)
    assert "Noise floor: not measured." in markdown(nothing)


def test_bars_without_steps_have_no_step_column() -> None:
    one = experiment(cell("a", "", lines=3.0), cell("b", "", lines=4.0), chart=Chart("bars", "lines"), columns=("lines",))
    assert printed(experiment_table(one))[1].split() == ["variant", "lines", "bottleneck"]


def test_the_first_lines_are_what_does_not_follow_and_why() -> None:
    """For a single experiment, its conclusion is printed too."""
    held, missed = queue(), replace(queue(), name="other", verdict=Verdict("not valid", "This cell failed this rule. Do that."))
    assert rows.first_lines(results(held, missed)) == ["∅ other: not valid. This cell failed this rule. Do that."]
    assert rows.first_lines(results(held)) == ["✓ queue: holds. Four workers answered the eight requests in two rounds."]
    refuted = replace(held, verdict=Verdict("does not hold", "It does not."))
    assert rows.first_lines(results(held, refuted, missed))[0] == "✗ queue: does not hold. It does not."


def test_a_prediction_that_is_a_range() -> None:
    one = replace(cell("Django, 2 loops", 40, {"throughput": 197.3}, throughput=169.0), predicted_low={"throughput": 156.1})
    assert "156 to 197" in " ".join(printed(experiment_table(experiment(one, columns=("throughput",)))))
    check = Check("Django", True, bound=True)
    assert rows.prediction(experiment(one, verdict=Verdict("holds", "", [check]))) == "requests/s: 156 to 197; met in 1 of 1"


def test_no_row_is_called_valid_that_its_verdict_does_not_use() -> None:
    """A row that a verdict leaves out as not valid must not look valid in the table."""
    good, slowed = cell("A", 8, throughput=1.0), cell("B", 8, throughput=2.0)
    doubted = Verdict("not valid", "B / 8 is not valid: same pace.", [], {slowed.key: "same pace: 1.4 times"})
    one = experiment(good, slowed, columns=("throughput",), verdict=doubted)
    assert "B | 2 (1.96 to 2.04) | slots | not valid: same pace: 1.4 times |" in markdown(results(one))
    assert sum("not valid" in line for line in printed(experiment_table(one))) == 2  # the row, and the reason below

"""Charts: what is drawn for each cell and in which colours, and what the report says if nothing can be drawn."""

import re
import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Annotation

from loadtest.metrics import METRICS
from loadtest.model import Chart
from loadtest.report.charts import Drawing, draw
from loadtest.report.drawings import Points, bars
from loadtest.results import ExperimentResult
from tests.unit.lab_results import DJANGO, FASTAPI, FLASK, cell, experiment, queue, run, shorts, thousands

SVG = "{http://www.w3.org/2000/svg}"


def drawn(one: ExperimentResult) -> tuple[Drawing, ElementTree.Element]:
    drawing = draw(one, "c")
    assert drawing.svg is not None
    return drawing, ElementTree.fromstring(drawing.svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def marks(root: ElementTree.Element) -> dict[str, int]:
    """Count markers by the id of their group. A bar counts as one, and so does a line without markers."""
    found = {}
    for group in root.iter(f"{SVG}g"):
        name = group.get("id", "")
        if re.match("c-(measured|void|predicted|interval)-", name):
            uses = len(list(group.iter(f"{SVG}use")))
            found[name] = uses or len(group.findall(f"{SVG}path"))
    return found


def texts(root: ElementTree.Element) -> list[str]:
    return ["".join(element.itertext()) for element in root.iter(f"{SVG}text")]


def test_lines_have_a_marker_for_each_valid_cell_and_a_hollow_one_for_others() -> None:
    drawing, root = drawn(thousands())
    found = marks(root)
    assert found == {
        "c-measured-1": 5,
        "c-predicted-1": 1,
        "c-interval-1": 5,
        "c-measured-2": 4,
        "c-predicted-2": 1,
        "c-interval-2": 5,
        "c-void-2": 1,
    }
    assert [key.text for key in drawing.legend] == [FASTAPI, DJANGO, "predicted before the run", "interval", "not valid"]
    assert {"10", "100", "1,000", "2,000", "users", "requests/s"} <= set(texts(root))


def test_a_line_does_not_pass_over_a_cell_that_is_not_valid() -> None:
    cells = [cell(FLASK, step, not_valid="busy" if step == 2 else None, throughput=10.0 * step) for step in (1, 2, 3)]
    _, root = drawn(experiment(*cells, chart=Chart("lines", "throughput")))
    (line,) = [group for group in root.iter(f"{SVG}g") if group.get("id") == "c-measured-1"]
    path = line.find(f"{SVG}path")
    assert path is None or "L" not in path.get("d", "")


def test_bars_stand_for_cells_with_the_metric_and_are_hatched_where_not_valid() -> None:
    drawing, root = drawn(shorts())
    found = marks(root)
    assert {name for name in found if "measured" in name} == {f"c-measured-{bar}" for bar in ("1-1", "2-1", "1-2", "2-2")}
    assert {name for name in found if "void" in name} == {"c-void-3-1"}
    assert {name for name in found if "predicted" in name} == {f"c-predicted-{bar}" for bar in ("1-1", "3-1", "1-2", "2-2")}
    assert len([name for name in found if "interval" in name]) == 5
    assert {"4.2 ms", "9 ms", "/json", "wait 1 ms"} <= set(texts(root))
    assert "var(--void)" in str(drawing.svg)


def test_ranks_have_a_dot_for_each_answer_of_each_run() -> None:
    _, root = drawn(queue())
    assert {name: count for name, count in marks(root).items() if "measured" in name} == {f"c-measured-{n}": 24 for n in (1, 2, 3)}
    assert {name for name in marks(root) if "predicted" in name} == {f"c-predicted-{n}" for n in (1, 2, 3)}


def test_a_sixth_series_of_no_service_repeats_a_colour_with_another_shape() -> None:
    nine = [cell(f"variant {number}", 1, throughput=10.0 + number) for number in range(9)]
    drawing, root = drawn(experiment(*nine))
    keys = drawing.legend[:9]
    assert keys[0].colour == keys[5].colour
    assert keys[0].shape != keys[5].shape
    assert len({(key.colour, key.shape) for key in keys}) == 9
    assert len([name for name in marks(root) if "measured" in name]) == 9
    bars = draw(experiment(*nine, chart=Chart("bars", "throughput")), "c").legend[:9]
    assert len({(key.colour, key.shape) for key in bars}) == 9


@pytest.mark.parametrize("one", [thousands(), shorts(), queue()], ids=["lines", "bars", "ranks"])
def test_every_colour_is_a_variable_of_the_page(one: ExperimentResult) -> None:
    svg = str(draw(one, "c").svg)
    assert not re.search(r"#[0-9a-fA-F]{3,6}\b(?![^<]*</)", re.sub(r'(href="#|url\(#)[^")]*', "", svg))
    assert {"--text", "--soft", "--line", "--fastapi"} <= set(re.findall(r"var\((--[\w-]+)\)", svg))
    assert not re.search(r"<style|<metadata|<script|<image|http://(?!www.w3.org/)", svg)


@pytest.mark.parametrize("one", [thousands(), shorts(), queue()], ids=["lines", "bars", "ranks"])
def test_the_same_results_give_the_same_chart_with_ids_of_its_own(one: ExperimentResult) -> None:
    assert draw(one, "c").svg == draw(one, "c").svg
    identifiers = re.findall(r' id="([^"]+)"', str(draw(one, "c").svg))
    assert len(identifiers) == len(set(identifiers))
    assert all(name.startswith("c-") for name in identifiers)
    for name in re.findall(r'(?:href="#|url\(#)([^")]+)', str(draw(one, "c").svg)):
        assert name in identifiers


def test_a_chart_says_what_it_shows() -> None:
    _, root = drawn(thousands())
    assert root.get("role") == "img"
    label = str(root.get("aria-label"))
    assert label == draw(thousands(), "c").sentence
    assert label == (
        "Lines of requests/s by users. FastAPI, 1 loop: from 9.9 at 10 to 1,560 at 2,000; "
        "Django, 1 loop: from 9.9 at 10 to 610 at 2,000 (not valid)."
    )
    assert "Flask, 4 sync workers: the first after 1 s, the last after 2.04 s" in draw(queue(), "c").sentence


@pytest.mark.parametrize(
    ("chart", "words"),
    [
        (Chart("lines", "p99"), "no cell has a measurement of p99."),
        (Chart("bars", "p99"), "no cell has a measurement of p99."),
        (Chart("ranks", "rank"), "no cell has a measurement of when each answer came."),
    ],
)
def test_a_chart_of_nothing_says_so(chart: Chart, words: str) -> None:
    for one in (experiment(chart=chart), experiment(cell(throughput=1.0), chart=chart)):
        drawing = draw(one, "c")
        assert drawing.svg is None
        assert drawing.sentence == f"Nothing is drawn: {words}"


HARD: dict[str, list[dict[str, Any]]] = {
    "huge": [{"step": 1, "throughput": 1e15}, {"step": 2, "throughput": 3e15}],
    "tiny": [{"step": 1, "throughput": 1e-12}, {"step": 2, "throughput": 2e-9}],
    "both": [{"step": 1e-6, "throughput": 1e-9}, {"step": 1e9, "throughput": 1e12}],
    "zero": [{"step": 0, "throughput": 0.0}, {"step": 5, "throughput": 7.0}],
    "only zero": [{"step": 0, "throughput": 0.0}],
    "below zero": [{"step": -1, "throughput": -4.0}, {"step": 5, "throughput": 7.0}],
    "one": [{"step": 7, "throughput": 5.0}],
    "words": [{"step": "$a_b^$ <i>", "throughput": 5.0}, {"step": "größe 数", "throughput": 6.0}],
    "mixed": [{"step": 1, "throughput": 5.0}, {"step": "all", "throughput": 6.0}],
}


@pytest.mark.parametrize("kind", ["lines", "bars"])
@pytest.mark.parametrize("log", [True, False], ids=["log", "linear"])
@pytest.mark.parametrize("name", HARD)
def test_numbers_and_names_of_any_kind_are_drawn(name: str, log: bool, kind: Any) -> None:
    cells = [cell("Flask $x_1$ & <b>", **values) for values in HARD[name]]
    _, root = drawn(experiment(*cells, chart=Chart(kind, "throughput", x="$x$", log_x=log, log_y=log)))
    assert sum(count for group, count in marks(root).items() if "measured" in group) == len(cells)
    assert "$x$" in texts(root)
    assert all("e+" not in text and "10^" not in text for text in texts(root))


def test_cells_that_differ_by_their_label_only_are_series_of_their_own() -> None:
    cells = [cell(FASTAPI, 1, label=label, throughput=value) for label, value in (("blocking", 10.0), ("in a thread", 90.0))]
    drawing, _ = drawn(experiment(*cells, chart=Chart("bars", "throughput")))
    assert [key.text for key in drawing.legend[:2]] == ["FastAPI, 1 loop, blocking", "FastAPI, 1 loop, in a thread"]


def test_a_burst_that_is_not_valid_is_grey() -> None:
    runs = [run(0, passed=False, rank_1=1.0, rank_2=1.1)]
    drawing, root = drawn(experiment(cell(not_valid="busy", runs=runs), chart=Chart("ranks", "rank")))
    assert marks(root) == {"c-void-1": 2}
    assert drawing.legend[-1].text == "not valid"


def test_bars_of_a_group_stand_around_its_middle() -> None:
    axes = Figure().add_subplot()
    bars(axes, Points(shorts().cells[:5], METRICS["p99"], shorts().chart))
    middles = sorted(patch.get_x() + patch.get_width() / 2 for patch in axes.patches if isinstance(patch, Rectangle))
    assert (middles[0] + middles[2]) / 2 == pytest.approx(0)
    assert (middles[3] + middles[4]) / 2 == pytest.approx(1)


@pytest.mark.parametrize(("predicted", "at"), [(39.0, 40.0), (42.0, 42.0), (80.0, 40.0)])
def test_the_number_of_a_bar_stands_at_the_bar_and_is_not_struck_out(predicted: float, at: float) -> None:
    axes = Figure().add_subplot()
    one = cell(FLASK, 1, {"throughput": predicted}, spread=0.0, throughput=40.0)
    bars(axes, Points([one], METRICS["throughput"], experiment(chart=Chart("bars", "throughput")).chart))
    (number,) = axes.texts
    assert isinstance(number, Annotation)
    assert (number.get_text(), number.xy[1]) == ("40", at)

"""What people read: the sentence, the table, the page and the files."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from loadtest.latency import Summary
from loadtest.manifest import command
from loadtest.parameters import Parameters
from loadtest.report import as_json, page, table, write
from loadtest.results import Cell, Options, Results
from loadtest.sentences import duration, next_command, number, seen
from loadtest.stack import Service

OPTIONS = Options("wait", ("flask", "fastapi"), 64, 15.0, 2.0, Parameters(0.1, 5, 3, 10, 0.1), "http://127.0.0.1:8080")


def make_cell(name: str, measured: float, predicted: float | None = None, p50: float = 0.1, not_valid: str | None = None) -> Cell:
    service = Service(name, "ASGI", "server", "worker", {"python": "3.14.0"}, slots=None, processes=2)
    ratio = measured / predicted if predicted else None
    latency = Summary(0.1, 0.1, p50, 0.2, 0.3, 0.4)
    return Cell(service, 64, 0.1, predicted, measured, ratio, 600, 0, 0, {}, 15.0, latency, None, 0.2, not_valid)


FLASK = make_cell("flask", 39.2, 40, p50=1.62)
FASTAPI = make_cell("fastapi", 624, 640)
DJANGO = make_cell("django", 361, 640, p50=0.17)


def make_results(*cells: Cell) -> Results:
    return Results(OPTIONS, list(cells), seen(cells), "What it would be wrong to conclude.", {"time": "now", "command": command(OPTIONS)})


@pytest.mark.parametrize(("value", "text"), [(None, "-"), (0, "0"), (9.987, "9.99"), (40.0, "40"), (99.96, "100"), (1234.5, "1,234")])
def test_number(value: float | None, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "-"), (0.000768, "0.768 ms"), (0.1017, "102 ms"), (0.9996, "1 s"), (1.6249, "1.62 s")]
)
def test_duration(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_seen_compares_with_each_other_and_with_the_prediction() -> None:
    assert seen([FLASK, FASTAPI, DJANGO]) == (
        "With 64 users each, fastapi answered 15.9 times as many requests a second as flask (624 against 39.2); "
        "the prediction held within 5 % for flask and fastapi but not for the rest: django reached 0.56 of it; "
        "half of flask's requests took 1.62 s or more, for 100 ms of being served."
    )


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ([FASTAPI], "With 64 users fastapi answered 624 requests a second; the prediction held within 5 % for fastapi."),
        ([DJANGO], "With 64 users django answered 361 requests a second; the prediction did not hold: django reached 0.56 of it."),
        (
            [make_cell("flask", 100), make_cell("django", 104)],
            "flask and django answered equally many requests a second within 5 % (104 against 100).",
        ),
        ([FASTAPI, make_cell("json", 9000, not_valid="busy")], "the row of json is not valid and left out of this."),
        ([make_cell("flask", 1, not_valid="busy")], "No row is valid, so nothing was seen."),
        ([replace(FASTAPI, failures=3, failures_outside=1)], "failed requests: 4 of fastapi."),
    ],
)
def test_seen_is_true_of_what_was_measured(cells: list[Cell], words: str) -> None:
    assert words in seen(cells)


def test_next_command() -> None:
    assert next_command(make_results(FLASK)) == "make load WORKLOAD=block USERS=16"
    assert next_command(make_results(replace(FLASK, failures=1))) == "make logs"
    assert next_command(make_results(replace(FLASK, generator_cpu=0.9))) == "make load WORKLOAD=wait USERS=8"


def printed(results: Results) -> str:
    console = Console(width=80, markup=False, highlight=False)
    with console.capture() as capture:
        console.print(table(results))
    return capture.get()


def test_table_fits_a_terminal_of_80_columns() -> None:
    rows = [line.split() for line in printed(make_results(FLASK, FASTAPI)).splitlines()]
    assert ["flask", "2", "loops", "64", "40", "39.2", "0.98", "1.62", "s", "200", "ms", "300", "ms", "0"] in rows
    assert ["fastapi", "2", "loops", "64", "640", "624", "0.97", "100", "ms", "200", "ms", "300", "ms", "0"] in rows


def test_table_says_what_is_not_valid_and_what_failed() -> None:
    failed = replace(FASTAPI, failures=2, failures_outside=1, errors={"status 502 [red]": 3})
    text = " ".join(printed(make_results(make_cell("flask", 9, 40, not_valid="the generator was busy"), failed)).split())
    assert "not valid 100 ms" in text
    assert "flask is not valid: the generator was busy." in text
    assert "fastapi also failed 1 requests before or after the window." in text
    assert "fastapi, 3 times: status 502 [red]" in text


def test_page_has_the_numbers_and_draws_them() -> None:
    html = page(make_results(FLASK, FASTAPI))
    for text in ("39.2", "624", "640", "0.98", "1.62 s", "What it would be wrong to conclude.", "15.9 times", command(OPTIONS).split()[-1]):
        assert text in html
    assert re.findall(r'class="bar" style="width: ([\d.]+)%"', html) == ["6.13", "97.50"]
    assert re.findall(r'class="mark" style="left: ([\d.]+)%"', html) == ["6.25", "100.00"]


def test_page_draws_no_prediction_where_there_is_none() -> None:
    html = page(make_results(make_cell("flask", 10)))
    assert 'class="mark"' not in html
    assert "no prediction is made" in html


def test_page_marks_a_row_that_is_not_valid() -> None:
    html = page(make_results(make_cell("flask", 10, 40, not_valid="busy")))
    assert '<div class="row void"' in html
    assert "flask is not valid: busy." in html


def test_page_of_nothing_measured() -> None:
    html = page(make_results(replace(make_cell("flask", 0.0, not_valid="nothing"), latency=None)))
    assert 'style="width: 0.00%"' in html


def test_page_escapes() -> None:
    html = page(make_results(replace(FASTAPI, failures=1, errors={"<script>alert(1)</script>": 1})))
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_page_needs_nothing_else() -> None:
    assert not re.search(r"<(script|link|img|iframe)|\bsrc=|@import|url\(", page(make_results(FLASK)))


def test_json_has_what_the_page_is_drawn_from() -> None:
    document = json.loads(as_json(make_results(FLASK)))
    assert document["format"] == 1
    assert document["options"]["parameters"]["wait"] == 0.1
    assert document["cells"][0]["service"]["name"] == "flask"
    assert document["cells"][0]["latency"]["p50"] == 1.62


def test_each_run_has_a_folder_and_latest_is_the_newest(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    first = write(make_results(FLASK), folder)
    second = write(make_results(FASTAPI), folder)
    assert first.parent != second.parent
    assert json.loads((first.parent / "results.json").read_text())["cells"][0]["service"]["name"] == "flask"
    assert (folder / "latest").readlink() == Path(second.parent.name)
    assert "fastapi" in (folder / "latest" / "index.html").read_text()


def test_command_repeats_the_run() -> None:
    assert command(OPTIONS).startswith("python -m loadtest load --workload wait --services 'flask fastapi' --users 64 --seconds 15.0")
    assert "--interval 0.1" in command(OPTIONS)

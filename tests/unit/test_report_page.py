"""The page: it shows all findings, no text in it becomes markup, and it needs no other file."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from loadtest.model import Chart
from loadtest.report.files import read, write
from loadtest.report.page import page
from loadtest.report.text import markdown
from loadtest.results import Check, Finding, Results, Session, Verdict
from tests.unit.lab_results import cell, everything, experiment, results, run, thousands

EVIL = "<script>alert('1')</script>&\"$x$"
VOID_ELEMENTS = {"meta", "link", "br", "img", "path", "use", "rect"}


class Shape(HTMLParser):
    """Records elements and their ids, and whether elements are closed in the right order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.seen: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag not in VOID_ELEMENTS:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID_ELEMENTS and (not self.open or self.open.pop() != tag):
            self.wrong.append(tag)


def shape(html: str) -> Shape:
    parser = Shape()
    parser.feed(html)
    return parser


def words(html: str) -> str:
    """Return the text of a page on one line."""
    text = re.sub(r"<style>.*?</style>|<svg.*?</svg>|<[^>]+>", " ", html, flags=re.DOTALL)
    return " ".join(text.replace("&#39;", "'").replace("&amp;", "&").split())


def test_page_has_what_was_found() -> None:
    text = words(page(everything()))
    for said in (
        "requests/s: 10 to 2,000; met in 1 of 2",
        "requests/s: 9.9 (FastAPI, 1 loop, users 10) to 1,560 (FastAPI, 1 loop, users 2,000)",
        "◐ holds with a limit",
        "2 processes, each at most 7,700 requests/s against a server that does nothing; at a low rate it wakes 400 µs late",
        "requests/s within 2 %, p50 within 50 ms",
        "Compared at: equal cores. It took 61 s.",
        "The straight line is not the speed of the server.",
        "not passed : Django, 1 loop, 1000: requests/s 610, predicted 1,000 (0.61) (predicted before the run)",
        "no difference seen : FastAPI, 1 loop / 10 against",
        "FastAPI, 1 loop 2,000 1,560 1,529 to 1,591 2,000 1.28 s 1.26 to 1.31 s",
        "server CPU yes",
        "Django, 1 loop, users 2,000 is not valid: generator had room: 105% of a CPU. Fewer users, longer requests",
        "2 runs, 2 of 4 findings failed",
        "generator had room ✗ failed 1.31 105% of a CPU",
        "Little's law ✓ passed 0.21 9.9 of 10 users accounted for",
        "make lab X=thousands",
        "flask 3.1.3, django 6.0",
        "Nothing is drawn: no cell has a measurement of requests/s.",
    ):
        assert said in text, said
    assert page(everything()).count('<tr class="void">') == 2


def test_page_has_a_chart_for_each_experiment_that_measured() -> None:
    html = page(everything())
    assert html.count("<svg") == 3
    assert re.findall(r'id="(chart-\d-measured-1(?:-1)?)"', html) == ["chart-1-measured-1", "chart-2-measured-1", "chart-3-measured-1-1"]


@pytest.mark.parametrize("one", [everything(), results(), results(noise={})], ids=["everything", "no experiment", "no noise"])
def test_page_is_well_formed_and_each_id_is_one(one: Results) -> None:
    found = shape(page(one))
    assert found.wrong == []
    assert found.open == []
    assert len(found.ids) == len(set(found.ids))


def evil() -> Results:
    """Results in which every text is malicious."""
    broken = replace(run(throughput=5.0, p99=0.1), errors={EVIL: 3}, audit=[Finding(EVIL, False, None, EVIL)], limiter=EVIL)
    made = cell(EVIL, EVIL, label=EVIL, not_valid=EVIL, limiter=EVIL, runs=[broken], throughput=5.0, p99=0.1)
    made = replace(made, load=EVIL)
    one = experiment(
        made,
        replace(made, step="2", key="other"),
        chart=Chart("bars", "throughput", x=EVIL),
        name=EVIL,
        question=EVIL,
        claim=EVIL,
        frame=EVIL,
        misreading=EVIL,
        command=EVIL,
        verdict=Verdict("does not hold", EVIL, [Check(EVIL, False, bound=True)]),
    )
    session = Session(1.0, 0.0, 1, {EVIL: 0.1}, [{"cell": EVIL, "locust": 1.0, "second": 1.0}])
    return results(one, name=EVIL, session=session, manifest={EVIL: EVIL, "in": {EVIL: [EVIL]}})


def test_page_escapes_every_text() -> None:
    html = page(evil())
    assert "script" not in shape(html).seen
    assert "<script" not in html
    assert html.count("&lt;script&gt;") > 25
    assert shape(html).wrong == []


def test_page_needs_nothing_else() -> None:
    html = page(everything())
    assert not {"script", "link", "img", "iframe", "object"} & set(shape(html).seen)
    assert not re.search(r"\bsrc=|@import|\bon\w+=", html)
    assert set(re.findall(r"url\((.)", html)) <= {"#"}
    assert set(re.findall(r"https?://[^\"' <]+", html)) <= {"http://www.w3.org/1999/xlink"}


def test_page_without_a_prediction_speaks_of_none() -> None:
    one = experiment(cell(throughput=10.0), columns=("throughput",), verdict=Verdict("holds", "It does."))
    text = words(page(results(one)))
    assert "none requests/s: 10 ✓ holds" in text
    assert "requests/s predicted" not in text
    assert "predicted before the run" not in text


def test_what_was_counted_without_load_has_no_interval_and_no_audit() -> None:
    counted = replace(run(0, seconds=0.0, lines=120.0), audit=[])
    one = experiment(cell("Flask", "", spread=0.0, runs=[counted], lines=120.0), chart=Chart("bars", "lines"), columns=("lines",))
    text = words(page(results(one)))
    assert "Flask 120 slots yes" in text
    assert "1 run, nothing to audit" in text
    assert "no rule applies: nothing was put under load" in text


def test_huge_and_tiny_numbers_are_written_out() -> None:
    one = experiment(cell(throughput=12345678901.0, p99=2e-7), chart=Chart("bars", "throughput"))
    text = words(page(results(one)))
    assert "12,345,678,901" in text
    assert "0.2 µs" in text


def test_second_generator_is_compared() -> None:
    session = Session(1.0, 0.0, 1, {}, [{"cell": "thousands: FastAPI, 1 loop / 10", "locust": 9.9, "second": 9.8}])
    text = words(page(results(thousands(), session=session)))
    assert "thousands: FastAPI, 1 loop / 10: 9.8 requests/s, the first 9.9" in text
    assert "1 process, each at most" in text
    assert "not measured: no experiment compares services with each other" in text


def test_runs_that_were_made_again_are_shown_apart() -> None:
    one = replace(cell(throughput=40.0), rejected=[run(1, passed=False)])
    text = words(page(results(experiment(one))))
    assert "2 runs, 1 more made again, all" in text
    assert text.count("rejected and made again") == 1


def test_a_cell_that_was_not_measured(tmp_path: Path) -> None:
    """It has no runs and no values, and must not keep the other cells from being drawn."""
    sentence = "not measured: 9,000 requests a second arrive"
    refused = replace(cell(step=16, not_valid=sentence, runs=[]), estimates={}, limiter="not measured")
    found = results(experiment(cell(throughput=40.0), refused))
    assert sentence in words(page(found))
    assert read(write(found, tmp_path)) == found
    assert sentence in markdown(found)

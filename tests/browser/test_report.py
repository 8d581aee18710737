"""A written report in a real browser: it needs nothing, draws everything, and fits the screen, the phone and the paper."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from loadtest.report.files import write
from tests import chromium
from tests.unit.lab_results import everything
from tests.unit.test_report_page import evil

WIDTHS = [320, 1280]
# Pixels of a page between its margins.
A4 = 718
# By chart, how many marks of each kind: those of lab_results.everything().
MARKS = {
    1: {"measured": 9, "void": 1, "predicted": 2},
    2: {"measured": 72, "void": 0, "predicted": 3},
    3: {"measured": 4, "void": 1, "predicted": 4},
}
COUNT = """(prefix) => [...document.querySelectorAll(`g[id^="${prefix}"]`)].reduce(
    (sum, group) => sum + (group.querySelectorAll('use').length || group.querySelectorAll(':scope > path').length), 0)"""


@dataclass
class Opened:
    """A page, and what it said and asked for while it was loaded."""

    page: Page
    said: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium.browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(everything(), tmp_path_factory.mktemp("results")) / "report.html"


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context()
    yield made
    made.close()


def opened(context: BrowserContext, file: Path, **media: Any) -> Opened:
    """The page, once everything is loaded."""
    found = Opened(context.new_page())
    found.page.on("console", lambda message: found.said.append(message.text))
    found.page.on("pageerror", lambda error: found.said.append(str(error)))
    found.page.on("request", lambda request: found.requests.append(request.url))
    found.page.emulate_media(**media)
    found.page.goto(file.as_uri())
    return found


def test_the_page_loads_without_a_word_and_without_a_request(context: BrowserContext, report: Path) -> None:
    found = opened(context, report)
    assert found.said == []
    assert found.requests == [report.as_uri()]


def test_every_chart_is_drawn_with_all_its_marks(context: BrowserContext, report: Path) -> None:
    page = opened(context, report).page
    charts = page.locator("svg")
    assert charts.count() == len(MARKS)
    for chart in charts.all():
        box = chart.bounding_box()
        assert box is not None
        assert box["width"] > 100
        assert box["height"] > 50
        assert chart.get_attribute("aria-label")
    found = {chart: {kind: page.evaluate(COUNT, f"chart-{chart}-{kind}-") for kind in kinds} for chart, kinds in MARKS.items()}
    assert found == MARKS


def test_marks_have_the_colours_of_the_page(context: BrowserContext, report: Path) -> None:
    colour = "() => getComputedStyle(document.querySelector('#chart-3-measured-1-1 path')).fill"
    assert opened(context, report, color_scheme="light").page.evaluate(colour) == "rgb(194, 65, 12)"
    assert opened(context, report, color_scheme="dark").page.evaluate(colour) == "rgb(255, 154, 98)"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("names", ["usual", "evil"])
def test_the_page_does_not_scroll_sideways(context: BrowserContext, report: Path, tmp_path: Path, width: int, names: str) -> None:
    page = opened(context, report if names == "usual" else write(evil(), tmp_path) / "report.html").page
    page.set_viewport_size({"width": width, "height": 800})
    page.evaluate("() => document.querySelectorAll('details').forEach(details => details.open = true)")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width


def test_light_and_dark_differ(context: BrowserContext, report: Path) -> None:
    look = "() => { const style = getComputedStyle(document.body); return [style.backgroundColor, style.color] }"
    light, dark = (opened(context, report, color_scheme=scheme).page.evaluate(look) for scheme in ("light", "dark"))
    assert light[0] == "rgb(255, 255, 255)"
    assert light[0] != dark[0]
    assert light[1] != dark[1]


def test_paper_is_white_and_shows_what_is_folded_on_a_screen(context: BrowserContext, report: Path) -> None:
    height = "() => document.querySelector('details').getBoundingClientRect().height"
    back = "() => getComputedStyle(document.body).backgroundColor"
    page = opened(context, report, color_scheme="dark").page
    folded = page.evaluate(height)
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(back) == "rgb(255, 255, 255)"
    assert page.evaluate(height) > 2 * folded
    assert page.pdf(format="A4").startswith(b"%PDF")


@pytest.mark.parametrize("names", ["usual", "evil"])
def test_paper_cuts_nothing_off(context: BrowserContext, report: Path, tmp_path: Path, names: str) -> None:
    page = opened(context, report if names == "usual" else write(evil(), tmp_path) / "report.html", media="print").page
    page.set_viewport_size({"width": A4, "height": 1000})
    assert page.evaluate("() => document.documentElement.scrollWidth") <= A4


def test_names_do_not_become_markup(context: BrowserContext, tmp_path: Path) -> None:
    found = opened(context, write(evil(), tmp_path) / "report.html")
    assert found.page.locator("script").count() == 0
    assert found.page.locator("h1").inner_text() == "<script>alert('1')</script>&\"$x$"
    assert found.said == []

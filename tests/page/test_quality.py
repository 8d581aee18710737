"""Properties of every view: accessible, fast, without layout shifts, on a phone and on a projector.

Without scripts, the page shows what it can.
"""

import re
from collections.abc import Iterator
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.measured import Measure
from tests.page.conftest import Opened, watched
from tests.page.race import run
from tests.stack import TARGET

VIEWS = ["race", "live", "talk", "path", "results", "facts"]
MOST_BYTES = 75_000  # total size of the page's own files
FIRST_PAINT = 1000  # milliseconds
# Runs before the page's own scripts.
OBSERVE = """window.shifts = [];
const at = ({x, y}) => `${x},${y}`;
const moved = ({node, previousRect, currentRect}) =>
    `${node?.id || node?.className || node?.textContent}: ${at(previousRect)} to ${at(currentRect)}`;
const note = list => window.shifts.push(...list.getEntries().map(shift => shift.sources.map(moved)));
new PerformanceObserver(note).observe({type: 'layout-shift', buffered: true});"""


@pytest.fixture
def narrow(stack: None, browser: Browser) -> Iterator[Opened]:
    context = browser.new_context(viewport={"width": 320, "height": 640}, has_touch=True, reduced_motion="reduce")
    found = watched(context)
    yield found
    context.close()
    found.check()


def settled(opened: Opened, view: str) -> Page:
    """Return the view once its content is loaded."""
    page = opened.show(view)
    page.wait_for_selector({"race": "#race-start:enabled", "facts": "#facts"}.get(view, f"#{view}-view > *"))
    return page


@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_no_violation(opened: Opened, view: str) -> None:
    page = settled(opened, view)
    colours: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
    for colour in colours:
        page.emulate_media(color_scheme=colour)
        found = Axe().run(page)
        assert found.violations_count == 0, f"{colour}: {found.generate_report()}"


def test_axe_finds_no_violation_after_a_race(opened: Opened) -> None:
    run(opened.show("race"), "queue", requests=4, amount=0.05)
    opened.page.click("summary")
    found = Axe().run(opened.page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_is_small_and_nothing_on_it_moves(moving: Opened, width: int) -> None:
    """From the demonstration that starts by itself to the last view."""
    moving.page.set_viewport_size({"width": width, "height": 900})
    session = moving.page.context.new_cdp_session(moving.page)
    paths: dict[str, str] = {}
    transferred: list[float] = []
    session.send("Network.enable")
    session.on("Network.requestWillBeSent", lambda event: paths.update({event["requestId"]: urlsplit(event["request"]["url"]).path}))

    def finished(event: dict[str, Any]) -> None:
        if re.fullmatch(r"/(|.+\.(js|css|svg))", paths.get(event["requestId"], "")):
            transferred.append(event["encodedDataLength"])

    session.on("Network.loadingFinished", finished)
    moving.page.add_init_script(OBSERVE)
    page = settled(moving, "race")
    run(page, "queue", requests=8, amount=0.1)
    for view in VIEWS:
        settled(moving, view)
    assert 0 < sum(transferred) <= MOST_BYTES
    assert page.evaluate("window.shifts") == []


@pytest.mark.measured
def test_the_page_is_soon_there(opened: Opened, measure: Measure) -> None:
    paint = opened.show("race").evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    measure.that(paint <= FIRST_PAINT, f"{paint:.0f} ms")


def test_nothing_scrolls_sideways_on_a_phone(narrow: Opened) -> None:
    for view in VIEWS:
        assert settled(narrow, view).evaluate("document.documentElement.scrollWidth") <= 320, view


def test_without_scripts_it_is_a_page_of_facts(stack: None, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(TARGET)
    assert page.is_visible("#facts")
    assert page.is_hidden("nav")
    assert [page.is_hidden(f"#{view}") for view in VIEWS[:-1]] == [True] * 5
    page.click("text=/flask/")
    assert '"service":"flask"' in page.content()
    context.close()


def test_a_view_has_an_address_and_the_browser_goes_back(opened: Opened) -> None:
    page = opened.show("race")
    page.click("nav >> text=Facts")
    page.wait_for_selector("#facts:visible")
    assert page.url.endswith("/#facts")
    assert page.title() == "Facts · Two Gates"
    page.go_back()
    page.wait_for_selector("#race:visible")
    assert page.get_attribute("nav a[aria-current]", "href") == "#race"

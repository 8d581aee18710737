"""What holds for every view: accessible, quick, still, on a phone as on a projector, and without scripts what it can be."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.page.conftest import Opened, watched
from tests.page.race import run
from tests.stack import TARGET

VIEWS = ["race", "live", "talk", "path", "results", "facts"]
MOST_BYTES = 150_000
FIRST_PAINT = 1000  # milliseconds
# Before the page's own scripts run.
OBSERVE = """window.shifts = [];
const note = list => window.shifts.push(...list.getEntries().map(shift => shift.value));
new PerformanceObserver(note).observe({type: 'layout-shift', buffered: true});"""


@pytest.fixture
def narrow(stack: None, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 320, "height": 640}, has_touch=True)
    found = watched(context)
    yield found.page
    context.close()
    found.check()


def settled(opened: Opened, view: str) -> Page:
    """The view, with what it loads."""
    page = opened.show(view)
    page.wait_for_selector({"race": "#race-start:enabled", "facts": "#facts"}.get(view, f"#{view}-view > *"))
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_no_violation(opened: Opened, view: str, scheme: str) -> None:
    opened.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    found = Axe().run(settled(opened, view))
    assert found.violations_count == 0, found.generate_report()


def test_axe_finds_no_violation_after_a_race(opened: Opened) -> None:
    run(opened.show("race"), "queue", requests=4, amount=0.05)
    opened.page.click("summary")
    found = Axe().run(opened.page)
    assert found.violations_count == 0, found.generate_report()


def test_the_page_is_small_and_soon_there_and_nothing_moves(opened: Opened) -> None:
    session = opened.page.context.new_cdp_session(opened.page)
    transferred: list[float] = []
    session.send("Network.enable")
    session.on("Network.loadingFinished", lambda event: transferred.append(event["encodedDataLength"]))
    opened.page.add_init_script(OBSERVE)
    page = settled(opened, "race")
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    run(page, "queue", requests=8, amount=0.1)
    for view in VIEWS:
        settled(opened, view)
    assert 0 < sum(transferred) <= MOST_BYTES
    assert paint <= FIRST_PAINT
    assert page.evaluate("window.shifts") == []


@pytest.mark.parametrize("view", VIEWS)
def test_nothing_scrolls_sideways_on_a_phone(narrow: Page, view: str) -> None:
    narrow.goto(f"{TARGET}/#{view}")
    narrow.wait_for_selector({"race": "#race-start:enabled", "facts": "#facts"}.get(view, f"#{view}-view > *"))
    assert narrow.evaluate("document.documentElement.scrollWidth") <= 320


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

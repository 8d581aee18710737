"""The page in a real browser, on the running stack."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

import pytest
from _pytest.runner import runtestprotocol
from playwright.sync_api import Browser, BrowserContext, Page

from tests import chromium
from tests.stack import PORT, TARGET

OURS = ("127.0.0.1", "localhost")
# Chromium aborts every request when a network interface of this machine appears or disappears, as with each network that Docker creates.
BROKEN_OFF, MOST_TIMES = "ERR_NETWORK_CHANGED", 5


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """Rerun a test only if the browser reports that this machine's network changed during it; any other failure counts at once."""
    for time in range(1, MOST_TIMES + 1):
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        broken_off = any(BROKEN_OFF in text for report in reports for text in (report.longreprtext, report.capstdout))
        if time == MOST_TIMES or not broken_off or not any(report.failed for report in reports):
            break
        print(f"\n{item.nodeid} again, since the network of this machine changed ({BROKEN_OFF})")
        item._initrequest()  # type: ignore[attr-defined]
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@dataclass
class Opened:
    """A page, with its messages and the URLs that it requested."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def show(self, view: str) -> Page:
        """Open a view by its address."""
        self.page.goto(f"{TARGET}/#{view}")
        self.page.wait_for_selector(f"#{view}:visible")
        return self.page

    def check(self) -> None:
        """Check that the page reported no error, and sent requests only to this machine's own names, on its own port."""
        assert self.said == []
        for url in self.asked:
            found = urlsplit(url)
            assert found.hostname in OURS or (found.hostname or "").endswith(".localhost"), url
            assert found.port == PORT, url


def watched(context: BrowserContext) -> Opened:
    found = Opened(context.new_page())

    def hear(text: str) -> None:
        found.said.append(text)
        print(text)  # so that it is in the report of a failed test, whichever assertion fails first

    found.page.on("console", lambda message: hear(f"{message.text} {message.location.get('url', '')}"))
    found.page.on("pageerror", lambda error: hear(str(error)))
    found.page.on("request", lambda request: found.asked.append(request.url))
    return found


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Close the browser after the last test of the page: Playwright has a running event loop, beside which others cannot run."""
    with chromium.browser() as opened:
        yield opened


def shown(browser: Browser, motion: Literal["reduce", "no-preference"]) -> Iterator[Opened]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion=motion)
    found = watched(context)
    yield found
    context.close()
    found.check()


@pytest.fixture
def opened(stack: None, browser: Browser) -> Iterator[Opened]:
    """A page that starts nothing by itself: with reduced motion it waits for a person."""
    yield from shown(browser, "reduce")


@pytest.fixture
def moving(stack: None, browser: Browser) -> Iterator[Opened]:
    """A page as in most browsers: it starts a demonstration."""
    yield from shown(browser, "no-preference")


@pytest.fixture(scope="package")
def loaded(stack: None, browser: Browser) -> Iterator[Page]:
    """One page for all tests that call functions of its modules and change nothing in it."""
    for opened in shown(browser, "reduce"):
        yield opened.show("facts")

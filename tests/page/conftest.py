"""The page in a real browser, on the stack that runs."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests import chromium
from tests.stack import PORT, TARGET

OURS = ("127.0.0.1", "localhost")


@dataclass
class Opened:
    """A page, with what it said, and whom it asked."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def show(self, view: str) -> Page:
        """Go to a view, by the address."""
        self.page.goto(f"{TARGET}/#{view}")
        self.page.wait_for_selector(f"#{view}:visible")
        return self.page

    def check(self) -> None:
        """That it reported no error, and asked nobody but this machine's own names, on its own port."""
        assert self.said == []
        for url in self.asked:
            found = urlsplit(url)
            assert found.hostname in OURS or (found.hostname or "").endswith(".localhost"), url
            assert found.port == PORT, url


def watched(context: BrowserContext) -> Opened:
    found = Opened(context.new_page())
    found.page.on("console", lambda message: found.said.append(f"{message.text} {message.location.get('url', '')}"))
    found.page.on("pageerror", lambda error: found.said.append(str(error)))
    found.page.on("request", lambda request: found.asked.append(request.url))
    return found


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Ended with the last test of the page: Playwright has an event loop that runs, beside which others cannot."""
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
    """A page as most browsers have it: it starts a demonstration."""
    yield from shown(browser, "no-preference")

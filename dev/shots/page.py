"""Pictures of each view of the page, before and after a click: on a laptop, a phone and a projector, light and dark."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from runtime.choice import running
from runtime.compose_file import ROOT, defaults, variables
from runtime.console import fail, say

FOLDER = ROOT / "docs" / "pictures"
SIZES: dict[str, ViewportSize] = {
    "wide": {"width": 1280, "height": 800},
    "narrow": {"width": 390, "height": 844},
    "projector": {"width": 1920, "height": 1080},
}
# The pictures before a click are made first: while there is no report, Results shows what a new user sees.
FIRST = (("wide", "light"), ("narrow", "dark"))
AFTER = (*product(("wide", "narrow"), ("light", "dark")), ("projector", "light"))
COLOURS = 256  # in a picture: a third of the bytes, without a visible difference
TOO_LONG = 120_000  # milliseconds: on a busy machine a load starts slowly
LOADED = 25_000  # milliseconds of load that the live view shows
OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu"]


def race(page: Page) -> None:
    page.wait_for_selector("#race-start:enabled")
    page.click("#race-start")
    page.wait_for_selector("#race-result:has-text('Next')", timeout=TOO_LONG)


def live(page: Page) -> None:
    with load():
        page.wait_for_selector("#live-state:has-text('users')", timeout=TOO_LONG)
        page.wait_for_timeout(LOADED)


def talk(page: Page) -> None:
    for reader in page.locator(".reader").all():  # a reader that is not connected yet misses the message
        reader.locator('text="connected"').wait_for()
    for service in ("flask", "fastapi", "django"):
        page.fill("#talk-form [name=text]", f"Hello, through {service}")
        page.select_option("#talk-form select", service)
        page.click("#talk-form button")
        page.wait_for_selector(f".reader[data-service=django] li:has-text('through {service}')")
    page.wait_for_timeout(1200)  # milliseconds, until each reader shows how long the message took


def path(page: Page) -> None:
    page.click("#path-form button")
    page.wait_for_selector("#path li")


def results(page: Page) -> None:
    if not any((ROOT / "results").glob("*/report.html")):
        with load() as process:
            process.wait()
        page.reload()
    page.wait_for_selector("#results a", timeout=TOO_LONG)


def nothing(page: Page) -> None:
    page.wait_for_load_state("networkidle")


VIEWS: dict[str, Callable[[Page], None]] = {"race": race, "live": live, "talk": talk, "path": path, "results": results, "facts": nothing}
# The element that a view shows without a click, once it is ready.
SHOWN = {
    "race": "#race-finding[data-state=measured]",
    "live": "#live th[data-memory]",
    "talk": ".reader[data-state=connected][data-service=flask]",
    "path": "#path li",
    "results": "#results .finding",
    "facts": "#facts .finding",
}


@contextmanager
def load() -> Iterator[subprocess.Popen[bytes]]:
    """Run the first lesson's load on the stack until the context ends."""
    words = [sys.executable, "-m", "loadtest", "load", "--seconds", "3", "--json"]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def make() -> list[Path]:
    """Make the pictures of every view; start the stack first, and stop it afterwards, if it does not run."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        fail("No browser: chromium, chromium-browser or google-chrome has to be on the PATH. On Debian: apt install chromium", 2)
    was_up = bool(running())
    if not was_up:
        stack("up")
    target = f"http://127.0.0.1:{variables().get('HTTP_PORT') or defaults()['HTTP_PORT']}"
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=OPTIONS)
            first = [shot(browser, target, view, *each, first=True) for view, each in product(VIEWS, FIRST)]
            return first + [shot(browser, target, view, *each) for view, each in product(VIEWS, AFTER)]
    finally:
        if not was_up:
            stack("down")


def stack(action: str) -> None:
    if subprocess.run([sys.executable, "-m", "ops.stack", action], cwd=ROOT, stdout=subprocess.DEVNULL).returncode:
        fail(f"make {action} failed; the lines above say why.")


def shot(browser: Browser, target: str, view: str, size: str, scheme: Any, first: bool = False) -> Path:
    """Make one picture and return its path."""
    name = "-".join((view, *(["first"] if first else []), size, scheme))
    say(f"  {name} ...")
    context = browser.new_context(viewport=SIZES[size], color_scheme=scheme)
    page = context.new_page()
    page.goto(f"{target}/#{view}")
    page.wait_for_selector(SHOWN[view], timeout=TOO_LONG)
    if not first:
        VIEWS[view](page)
    picture = FOLDER / f"{name}.png"
    picture.parent.mkdir(parents=True, exist_ok=True)
    seen = Image.open(BytesIO(page.screenshot(full_page=True))).convert("RGB")
    seen.quantize(COLOURS, dither=Image.Dither.NONE).save(picture, optimize=True)
    context.close()
    return picture

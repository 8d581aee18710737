"""The browser of this machine that tests and pictures use: none is downloaded."""

import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_browser() -> str | None:
    """Its program, from the PATH."""
    return next(filter(None, map(shutil.which, NAMES)), None)

"""Find the browser for tests and screenshots. It must be installed on this machine: the project downloads none."""

import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_browser() -> str | None:
    """Return the path of the browser's program from the PATH, ``None`` if there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)

"""Check the checkout: whether the stack can run from there, orphans of a killed run, and a browser and git for the tests."""

import shutil
import tempfile

from ops.doctor.finding import LOCAL, RUNTIMES, Finding
from runtime.browser import find_browser
from runtime.checkout import LONGEST_SOCKET_PATH, ROOT, unusable
from runtime.local import orphans


def findings() -> list[Finding]:
    """Run all checks of this module."""
    return [writable(), path(), left(), browser(), git()]


def writable() -> Finding:
    """Check write access: the stack writes all its files below the checkout."""
    needed = "this user may write there"
    try:
        with tempfile.TemporaryFile(dir=ROOT):
            pass
    except OSError as error:
        return Finding("checkout", f"cannot be written to: {error.strerror}", needed, "sudo chown -R $USER . or clone it again", RUNTIMES)
    return Finding("checkout", "writable", needed)


def path() -> Finding:
    """Check that Python, Supervisor, PostgreSQL and sockets accept the checkout's path."""
    wrong = unusable()
    needed = f"none of : % \" $ ` and backslash, and at most {LONGEST_SOCKET_PATH} bytes with a socket's name"
    return Finding(
        "its path", wrong or "can be used", needed, "Move it: mv, and then make up there" if wrong else "", [LOCAL] if wrong else ()
    )


def left() -> Finding:
    """Look for orphans: processes of a stack whose Supervisor is gone."""
    found = orphans.orphans()
    seen = f"{len(found)} processes: {', '.join(sorted(set(found.values())))}" if found else "none"
    return Finding(
        "left of a killed run",
        seen,
        "no process of a stack whose Supervisor is gone",
        "make down" if found else "",
        [LOCAL] if found else (),
    )


def browser() -> Finding:
    """Look for a browser, in which the tests open pages."""
    found = find_browser()
    return Finding(
        "browser",
        found or "none on the PATH",
        "Chromium or Chrome, for make test alone",
        "" if found else "On Debian: sudo apt install chromium",
    )


def git() -> Finding:
    """Look for git, which lists the project's files for the tests."""
    found = shutil.which("git")
    return Finding(
        "git",
        "here" if found else "not on the PATH",
        "any, for make test alone",
        "" if found else "On Debian and Ubuntu: sudo apt install git",
    )

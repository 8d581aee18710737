"""What a step displays on a real pseudo-terminal, and what remains on the screen afterwards."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dev.shots.screen import Screen
from runtime.compose_file import ROOT
from runtime.error_hints import cause

PROGRAM = """
import sys, time
from runtime.progress import step
from runtime.messages import fail
with step("the first") as shown:
    shown.tell("1 of 2")
    time.sleep(1.1)
print("between")
with step("the second"):
    fail("It is broken. Mend it") if "fail" in sys.argv else None
"""


def on_a_terminal(*words: str, **variables: str) -> tuple[str, str]:
    """Return everything that the program wrote, and what remains on the screen."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "NO_COLOR": "1", "PYTHONUTF8": "1", **variables}
    written = b""
    with subprocess.Popen([sys.executable, "-S", "-c", PROGRAM, *words], cwd=ROOT, env=environment, stdout=theirs, stderr=theirs):
        os.close(theirs)
        try:
            while some := os.read(ours, 4096):
                written += some
        except OSError:
            pass
    os.close(ours)
    screen = Screen()
    screen.write(written.decode())
    return written.decode(), screen.text()


def test_a_terminal_sees_it_turn_and_then_a_line_with_its_seconds() -> None:
    written, left = on_a_terminal()
    assert "⠙ the first (1 of 2)" in written
    first, *others = left.splitlines()
    assert re.fullmatch(rf"  ✓ {'the first':64} +[1-9]\d* s", first)
    assert others == ["between", "  ✓ the second"]


def test_a_failure_has_a_line_of_its_own() -> None:
    _, left = on_a_terminal("fail")
    assert left.splitlines()[-2:] == ["  ✗ the second", "twogates: It is broken. Mend it"]


def test_a_terminal_that_has_no_such_letters_sees_others() -> None:
    _, left = on_a_terminal(PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert left.splitlines()[0].startswith("  ok the first")


def test_elsewhere_a_line_says_that_it_begins() -> None:
    done = subprocess.run([sys.executable, "-S", "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "  the first ...\nbetween\n  the second ...\n"


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ("OSError: [Errno 28] No space left on device", "The disk is full: "),
        ("error: failed to write\n  Caused by: No space left on device (os error 28)", "The disk is full: "),
        ("NewConnectionError: Failed to establish a new connection: [Errno -3] Temporary failure in name resolution", "Check the network"),
        ("error sending request for url\n  dns error: failed to lookup address information", "Check the network"),
        ("ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED]", "name its authority"),
        ("something else", "The lines above say why."),
    ],
)
def test_what_a_program_printed_becomes_a_thing_to_do(printed: str, said: str) -> None:
    assert said in cause(printed).splitlines()[-1]


def test_the_screen_keeps_what_a_terminal_would() -> None:
    screen = Screen()
    screen.write("one\r\n\x1b[31mred\x1b[0m\r\n\x1b[?25lspin 1\r\x1b[2Kspin 2\r\x1b[2K\x1b[1A\x1b[2Kover\r\nlast\n\n")
    assert screen.text() == "one\nover\nlast"


def test_the_picture_of_a_terminal_asks_nobody_for_anything(tmp_path: Path) -> None:
    from dev.shots.terminal import drawn

    picture = drawn("\x1b[1m$ make up\x1b[0m\n  \x1b[32m✓\x1b[0m done")
    assert "make&#160;up" in picture
    assert "http" not in picture.replace("http://www.w3.org/", "")
    assert "font-face" not in picture

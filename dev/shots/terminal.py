"""Picture of a terminal session: a new user's first commands, run in a fresh clone on a pseudo terminal."""

import getpass
import os
import platform
import pty
import re
import select
import struct
import subprocess
import tempfile
import termios
from fcntl import ioctl
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from dev.shots.screen import Screen
from runtime.compose_file import ROOT
from runtime.console import fail, say

PICTURE = ROOT / "docs" / "pictures" / "first-run.svg"
TYPED = ("make up", "make load")
COLUMNS, ROWS = 110, 50
LONGEST_SECONDS = 600
# The picture must be the same on every machine, so the commands run without Docker and without these variables of this shell.
HIDDEN = re.compile(r"^(RUNTIME|TAG|NO_COLOR|COMPOSE_.*|.*_PORT|DOCKER_.*|MAKE.*|MFLAGS|VIRTUAL_ENV)$")
WITHOUT_DOCKER = {"DOCKER_HOST": "unix:///nowhere", "TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LINES": str(ROWS)}
COLOURS = [
    (40, 42, 46),
    (204, 102, 102),
    (120, 200, 120),
    (222, 190, 110),
    (120, 160, 210),
    (178, 148, 187),
    (138, 190, 183),
    (210, 214, 216),
]
THEME = TerminalTheme((24, 26, 30), (214, 218, 220), COLOURS, [(red + 30, green + 30, blue + 30) for red, green, blue in COLOURS])


def make() -> list[Path]:
    """Record the session and write the picture."""
    screen = Screen()
    with tempfile.TemporaryDirectory(prefix="first-run-") as folder:
        checkout = Path(folder) / "two-gates"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(checkout)], check=True)
        (checkout / ".cache").symlink_to(ROOT / ".cache")  # packages that are already downloaded
        try:
            for command in TYPED:
                say(f"  {command}, in a fresh clone ...")
                screen.write(f"\x1b[1m$ {command}\x1b[0m\n")
                if status := typed(command.split(), checkout, screen):
                    fail(f"{command} ended with status {status}:\n{screen.text()}")
                screen.write("\n")
        finally:
            typed(["make", "down"], checkout, Screen())
    drawing = drawn(screen.text())
    for private in (folder, str(ROOT), str(Path.home()), platform.node(), getpass.getuser()):
        if re.search(rf"(?<![\w-]){re.escape(private)}(?![\w-])", drawing):
            fail(f"The picture has {private!r} in it, which is this machine's")
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(drawing, encoding="utf-8")
    return [PICTURE]


def typed(command: list[str], folder: Path, screen: Screen) -> int:
    """Run a command on a pseudo terminal; return its exit status."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environment = {name: value for name, value in os.environ.items() if not HIDDEN.match(name)} | WITHOUT_DOCKER
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as process:
        os.close(theirs)
        while select.select([ours], [], [], LONGEST_SECONDS)[0]:
            try:
                written = os.read(ours, 65536)
            except OSError:  # on Linux, this means that no process has the other side open
                break
            if not written:
                break
            screen.write(written.decode(errors="replace"))
        else:
            process.kill()
    os.close(ours)
    return process.returncode


def drawn(text: str) -> str:
    """Return the picture as SVG with an installed font, without the address of a web font."""
    console = Console(record=True, width=COLUMNS, file=StringIO(), color_system="truecolor", force_terminal=True)
    console.print(Text.from_ansi(text))
    svg = console.export_svg(title="", theme=THEME, unique_id="first-run")
    svg = re.sub(r"\s*@font-face \{.*?\}\n|\s*<!--.*?-->", "", svg, flags=re.DOTALL)
    return re.sub(r"font-family: ?Fira Code, monospace", "font-family: ui-monospace, Menlo, Consolas, monospace", svg)

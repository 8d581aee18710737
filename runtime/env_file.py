"""Read .env: the project's only parser of it, with and without packages. Docker Compose reads the same file.

The parser accepts the lines that Compose, python-dotenv and this project read alike. Any other line ends the program, because
each program would read it differently.
"""

import re
from pathlib import Path

from runtime import given_file
from runtime.messages import fail

LINE = re.compile(
    r"""\s*(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*
    (?:'(?P<single>[^'\\]*)'|"(?P<double>[^"\\$]*)"|(?P<plain>(?!["'#])[^$]*?))
    (?:\s+\#.*|\s*)""",
    re.VERBOSE,
)
ACCEPTED = (
    "NAME=value, NAME='value' or # with a comment. Single quotes go around a value that has $ or begins with #; a value has no line "
    "breaks, and no backslash in quotes"
)


def read(path: Path) -> dict[str, str]:
    """Return the variables of a file, none if the file does not exist. If a name occurs twice, the last value wins."""
    found: dict[str, str] = {}
    for number, line in enumerate(given_file.text(path).splitlines() if path.exists() else (), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not (parts := LINE.fullmatch(line)):
            fail(f"{path}, line {number}, is not understood; accepted: {ACCEPTED}", 2)
        found[parts["name"]] = parts["single"] or parts["double"] or parts["plain"] or ""
    return found

"""A terminal's screen after a program wrote to it: the remaining lines with their colours."""

import re

ESCAPE = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])|\x1b[()][A-Z0-9]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")


class Screen:
    """Interpret this project's terminal output: colours, lines redrawn from their start, and cleared lines above. No wrapping."""

    def __init__(self) -> None:
        self.lines: list[str] = [""]
        self.row = 0
        self.fresh = False  # the cursor is at the start of a line: the next text replaces the line

    def write(self, text: str) -> None:
        """Process a program's output."""
        at = 0
        for found in re.finditer(r"[\r\n]|" + ESCAPE.pattern, text):
            self.put(text[at : found.start()])
            at = found.end()
            self.control(found)
        self.put(text[at:])

    def put(self, text: str) -> None:
        """Append text to the line, or replace the line."""
        if text:
            self.lines[self.row] = text if self.fresh else self.lines[self.row] + text
            self.fresh = False

    def control(self, found: re.Match[str]) -> None:
        """Process a line break, a carriage return or an escape sequence."""
        sign, number, letter = found[0], found[1] or "", found[2]
        if sign == "\n":
            self.row += 1
            self.lines += [""] if self.row == len(self.lines) else []
            self.fresh = False
        elif sign == "\r":
            self.fresh = True
        elif letter == "m":
            self.put(sign)
        elif letter == "K":
            self.lines[self.row] = ""
        elif letter == "A":
            self.row = max(0, self.row - int(number or 1))

    def text(self) -> str:
        """Return all lines, without empty ones at the end."""
        return "\n".join(self.lines).rstrip()

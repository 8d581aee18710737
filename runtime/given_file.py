"""Read a file that the operator edits or provides. A file that cannot be read ends the program with a message. Needs no package."""

from pathlib import Path

from runtime.messages import fail


def content(path: Path) -> bytes:
    """Return the bytes of a file that this user may read."""
    try:
        return path.read_bytes()
    except OSError as error:
        fail(f"{path} cannot be read ({error.strerror}); accepted: a file that this user may read")


def text(path: Path) -> str:
    """Return the text of a file in UTF-8, with or without a byte order mark."""
    found = content(path)
    if (nul := found.find(b"\0")) >= 0:
        fail(f"{path}, line {line(found, nul)}, has a NUL byte; accepted: text in UTF-8")
    try:
        return found.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        wrong = found[error.start]
        fail(f"{path}, line {line(found, error.start)}, has the byte 0x{wrong:02x}, which is not UTF-8; accepted: text in UTF-8")


def line(found: bytes, place: int) -> int:
    """Return the line number of a byte offset, counted from 1."""
    return found.count(b"\n", 0, place) + 1


def readable(path: Path, accepted: str, status: int = 1) -> None:
    """End the program unless a path is a file that this user may read."""
    if path.is_dir():
        fail(f"{path} is a folder; accepted: {accepted}", status)
    if not path.is_file():
        fail(f"{path} is not there; accepted: {accepted}", status)
    try:
        path.open("rb").close()
    except OSError as error:
        fail(f"{path} cannot be read ({error.strerror}); accepted: {accepted}", status)

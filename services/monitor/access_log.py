"""Nginx's second access log: read its new lines, find lines by request id, and truncate it when it grows too long."""

import json
import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

LARGEST = 8 * 2**20  # bytes; a longer file is truncated
KEPT = 2**20  # bytes before the cut that stay in memory
AT_ONCE = 2 * 2**20  # bytes that one call reads; if more is new, the oldest part is skipped
BEFORE = 2**18  # bytes written before the first viewer connected that are read too

# In text that comes from a client, Nginx escapes a quotation mark with a backslash. So a client cannot forge this key.
MARK = re.compile(rb'"request_id":"([^"]*)"')

Line = dict[str, Any]


class AccessLog:
    """The log file. A file that does not exist yet counts as empty."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.place = 0  # the offset up to which the file was read
        self.kept = b""

    def go_back(self) -> None:
        """Continue reading from ``BEFORE`` bytes before the end of the file."""
        self.place = max(0, self.size() - BEFORE)

    def size(self) -> int:
        """Return the current size in bytes."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def new_lines(self) -> list[Line]:
        """Return the lines written since the last call, without an incomplete last line."""
        size = self.size()
        if size < self.place:  # another program truncated it
            self.place = 0
        if size == self.place:
            return []
        self.place = max(self.place, size - AT_ONCE)
        with self.path.open("rb") as file:
            file.seek(self.place)
            data = file.read(size - self.place)
        data = data[: data.rfind(b"\n") + 1]
        self.place += len(data)
        return parsed(data)

    def find(self, request_ids: Collection[str]) -> list[Line]:
        """Return the complete lines of these requests."""
        wanted = {request_id.encode() for request_id in request_ids}
        whole = self.kept + (self.path.read_bytes() if self.size() else b"")
        found = []
        for mark in MARK.finditer(whole, 0, whole.rfind(b"\n") + 1):
            if mark[1] in wanted:
                found += parsed(whole[whole.rfind(b"\n", 0, mark.start()) + 1 : whole.find(b"\n", mark.end())])
        return found

    def cut(self) -> None:
        """Empty the file when it is too long, and keep its last lines in memory. Nginx only appends, so it continues in the empty file.

        Lines that Nginx writes between this read and the truncation are lost.
        """
        if self.size() <= LARGEST:
            return
        with self.path.open("r+b") as file:
            file.seek(-KEPT, os.SEEK_END)
            kept = file.read()
            file.truncate(0)
        self.kept = kept[kept.find(b"\n") + 1 :]
        self.place = 0


def parsed(data: bytes) -> list[Line]:
    """Return the lines that are JSON objects.

    Nginx copies bytes that are not UTF-8 unchanged, and writes the status 000 for a request without one, which is not valid JSON.
    """
    found = []
    for line in data.decode(errors="replace").split("\n"):
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            found.append(entry)
    return found

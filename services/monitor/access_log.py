"""Nginx's second log: what is new in it, the lines with an id, and its end where it is long enough."""

import json
import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

LARGEST = 8 * 2**20  # bytes, before it is cut
KEPT = 2**20  # of what is cut away
AT_ONCE = 2 * 2**20  # read in one step; where more has come, the older of it is left out
BEFORE = 2**18  # read of what was there before somebody watched

# In a text of a client's, a quotation mark has a backslash before it: only Nginx writes this.
MARK = re.compile(rb'"request_id":"([^"]*)"')

Line = dict[str, Any]


class AccessLog:
    """The file. One that is not there yet is empty."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.place = 0  # up to which it was read
        self.kept = b""

    def go_back(self) -> None:
        """Read from a little before its end."""
        self.place = max(0, self.size() - BEFORE)

    def size(self) -> int:
        """Its bytes now."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def new_lines(self) -> list[Line]:
        """What was written since the last call; a line that is half written is none yet."""
        size = self.size()
        if size < self.place:  # somebody else cut it
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
        """The lines of these requests, those that are whole."""
        wanted = {request_id.encode() for request_id in request_ids}
        whole = self.kept + (self.path.read_bytes() if self.size() else b"")
        found = []
        for mark in MARK.finditer(whole, 0, whole.rfind(b"\n") + 1):
            if mark[1] in wanted:
                found += parsed(whole[whole.rfind(b"\n", 0, mark.start()) + 1 : whole.find(b"\n", mark.end())])
        return found

    def cut(self) -> None:
        """Empty the file when it is too long, and keep its end. Nginx goes on at its new end, since it only ever appends.

        What Nginx writes between the last byte that is read and the cut is lost.
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
    """The lines that are JSON objects. Nginx leaves bytes as they came that are no UTF-8, and writes a status of 000 where it has none."""
    found = []
    for line in data.decode(errors="replace").split("\n"):
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            found.append(entry)
    return found

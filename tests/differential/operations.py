"""An operation on three equal notice boards, each made by another service: values that differ by nature get a common name."""

import json
import re
import uuid
from dataclasses import dataclass
from typing import Any

from tests.wire import Answer, Request

NOBODY = b"9223372036854775807"  # an id that does not exist
# The ids in an answer, and what they identify. The "next" of a page of boards is not compared.
IDS = re.compile(rb'(?:"id":(\d+),"board":(\d+)|"id":(\d+),"name"|"next":(\d+)|^/\w+/boards/(\d+)(?:/messages/(\d+))?$)')
KINDS = (b"message", b"board", b"board", b"message", b"board", b"message")
TIME = re.compile(rb'"created":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)"')
HEADERS = ("Content-Type", "ETag", "Location", "Allow", "Idempotency-Replayed", "Retry-After")
MARK = "@@@@@@@@@@@@"  # in front of each name and key, to make them unique to a sequence


@dataclass(frozen=True)
class Operation:
    """A request with placeholders for ids, such as ``{board0}`` and ``{message2}``, numbered in the order in which the ids appeared."""

    method: str
    path: str
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes | None = None


class IdMapper:
    """One of the three boards: it maps the common names to its own ids, times and mark."""

    def __init__(self) -> None:
        self.mark = uuid.uuid4().hex[: len(MARK)].encode()
        self.names: dict[tuple[bytes, bytes], bytes] = {}
        self.values: dict[bytes, bytes] = {}

    def request(self, operation: Operation) -> Request:
        """Return the operation with this board's ids and mark."""
        target = re.sub(rb"\{(\w+)\}", lambda name: self.values.get(name[1], NOBODY), operation.path.encode())
        headers = tuple((name, value.replace(MARK.encode(), self.mark)) for name, value in operation.headers)
        return Request(operation.method.encode(), target, headers, operation.body and operation.body.replace(MARK.encode(), self.mark))

    def common(self, answer: Answer) -> tuple[int, tuple[bytes | None, ...], bytes]:
        """Return the part of an answer that must be equal in all three."""
        headers = (answer.headers[name] for name in HEADERS)
        common = tuple(None if value is None else self.renamed(value.encode("latin-1")) for value in headers)
        return answer.status, common, self.renamed(self.own(answer.body))

    def own(self, body: bytes) -> bytes:
        """Return a page of boards without those of others, which may be on it and on the next; any other body unchanged."""
        if not body.startswith(b'{"boards":'):
            return body
        page = json.loads(body)
        assert compact(page) == body
        return compact([board for board in page["boards"] if board["name"].startswith(self.mark.decode())])

    def renamed(self, text: bytes) -> bytes:
        """Return text with common names in place of its values."""
        text = IDS.sub(self.rename, re.sub(rb"^/\w+(?=/boards/)", b"/service", text))
        return TIME.sub(lambda found: b'"created":"' + self.name(b"time", found[1]) + b'"', text).replace(self.mark, MARK.encode())

    def rename(self, found: re.Match[bytes]) -> bytes:
        """Return one match with the common names of its ids."""
        text = found[0]
        for group, kind in reversed(list(enumerate(KINDS, 1))):
            if found[group]:
                start, end = (place - found.start() for place in found.span(group))
                text = text[:start] + self.name(kind, found[group]) + text[end:]
        return text

    def name(self, kind: bytes, value: bytes) -> bytes:
        """Return the common name of an id or a time: its kind, and how many of that kind came before it."""
        if (kind, value) not in self.names:
            name = kind + str(sum(known == kind for known, _ in self.names)).encode()
            self.names[kind, value], self.values[name] = name, value
            if name == b"board0":
                self.values[b"before"] = str(int(value) - 1).encode()
        return self.names[kind, value]


def compact(data: Any) -> bytes:
    """Return JSON as the services write it."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()

"""An operation on notice boards that are alike, each of which another service made: what differs by nature is given one name."""

import json
import re
import uuid
from dataclasses import dataclass
from typing import Any

from tests.wire import Answer, Request

NOBODY = b"9223372036854775807"  # an id of nothing
# The ids in what comes back, and of what they are. A page of boards is not compared in its "next".
IDS = re.compile(rb'(?:"id":(\d+),"board":(\d+)|"id":(\d+),"name"|"next":(\d+)|^/\w+/boards/(\d+)(?:/messages/(\d+))?$)')
KINDS = (b"message", b"board", b"board", b"message", b"board", b"message")
TIME = re.compile(rb'"created":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)"')
HEADERS = ("Content-Type", "ETag", "Location", "Allow", "Idempotency-Replayed", "Retry-After")
MARK = "@@@@@@@@@@@@"  # in front of each name and key: those of a sequence are its own


@dataclass(frozen=True)
class Operation:
    """What is asked; ids stand in it as ``{board0}`` and ``{message2}``, in the order in which they came."""

    method: str
    path: str
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes | None = None


class Namesake:
    """One of the three: what the others call the same has ids, times and a mark of its own here."""

    def __init__(self) -> None:
        self.mark = uuid.uuid4().hex[: len(MARK)].encode()
        self.names: dict[tuple[bytes, bytes], bytes] = {}
        self.values: dict[bytes, bytes] = {}

    def request(self, operation: Operation) -> Request:
        """The operation with this one's ids and mark."""
        target = re.sub(rb"\{(\w+)\}", lambda name: self.values.get(name[1], NOBODY), operation.path.encode())
        headers = tuple((name, value.replace(MARK.encode(), self.mark)) for name, value in operation.headers)
        return Request(operation.method.encode(), target, headers, operation.body and operation.body.replace(MARK.encode(), self.mark))

    def common(self, answer: Answer) -> tuple[int, tuple[bytes | None, ...], bytes]:
        """What must be equal in the three answers."""
        headers = (answer.headers[name] for name in HEADERS)
        common = tuple(None if value is None else self.renamed(value.encode("latin-1")) for value in headers)
        return answer.status, common, self.renamed(self.own(answer.body))

    def own(self, body: bytes) -> bytes:
        """A page of boards without those of others, which may be on it, and on the next; else the body as it is."""
        if not body.startswith(b'{"boards":'):
            return body
        page = json.loads(body)
        assert compact(page) == body
        return compact([board for board in page["boards"] if board["name"].startswith(self.mark.decode())])

    def renamed(self, text: bytes) -> bytes:
        """Text with the names of what is in it."""
        text = IDS.sub(self.rename, re.sub(rb"^/\w+(?=/boards/)", b"/service", text))
        return TIME.sub(lambda found: b'"created":"' + self.name(b"time", found[1]) + b'"', text).replace(self.mark, MARK.encode())

    def rename(self, found: re.Match[bytes]) -> bytes:
        """The ids of one match."""
        text = found[0]
        for group, kind in reversed(list(enumerate(KINDS, 1))):
            if found[group]:
                start, end = (place - found.start() for place in found.span(group))
                text = text[:start] + self.name(kind, found[group]) + text[end:]
        return text

    def name(self, kind: bytes, value: bytes) -> bytes:
        """The name of an id or a time: its kind, and how many of that came before it."""
        if (kind, value) not in self.names:
            name = kind + str(sum(known == kind for known, _ in self.names)).encode()
            self.names[kind, value], self.values[name] = name, value
            if name == b"board0":
                self.values[b"before"] = str(int(value) - 1).encode()
        return self.names[kind, value]


def compact(data: Any) -> bytes:
    """JSON as the services write it."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()

"""Sequences of operations on three identical boards in one database.

Each operation reaches each board through a different service.
"""

import json
from collections import Counter
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.differential import notices
from tests.differential.notices import JSON, SHIFTS, WHICH, query
from tests.differential.operations import MARK, IdMapper, Operation
from tests.stack import SERVICES, Service
from tests.wire import Answer, Wire
from twogates.database.common import busy

TOO_BUSY = busy().body


class NoticeBoards(RuleBasedStateMachine):
    """Each step sends one operation to the three services concurrently. ``shift`` selects the board for each service.

    So one service reads and changes what another has written, and the answers must not differ.
    """

    def __init__(self, wires: dict[Service, Wire], sent: Counter[int]) -> None:
        super().__init__()
        self.wires, self.sent = wires, sent
        self.three = [IdMapper() for _ in SERVICES]
        self.boards: list[str] = []  # paths with placeholders for ids
        self.messages: list[str] = []
        self.versions: dict[str, int] = {}
        self.posted: Operation | None = None
        self.whole = True

    def do(self, operation: Operation, shift: int) -> None:
        """Send the operation to all three services, and compare the answers."""
        requests = [one.request(operation) for one in self.three]
        services = SERVICES[shift:] + SERVICES[:shift]
        data = [request.encode(f"/{service}") for service, request in zip(services, requests, strict=True)]
        for service, each in zip(services, data, strict=True):
            self.wires[service].write(each)
        answers = [self.wires[service].read(requests[0].method) for service in services]
        for number, service in enumerate(services):
            # On an overloaded machine, half a second is too short to get a lock. Nothing was changed then, so retry.
            while answers[number].status == 503 and answers[number].body == TOO_BUSY:
                self.sent[503] += 1
                answers[number] = self.wires[service].send(data[number], requests[0].method)
        status = answers[0].status
        self.sent[status] += 1
        common = [one.common(answer) for one, answer in zip(self.three, answers, strict=True)]
        self.whole = len(set(common)) == 1 and status < 500
        assert self.whole, "\n".join(f"{service}: {each}" for service, each in zip(services, common, strict=True))
        self.learn(operation, answers[0], common[0][1][2])

    def learn(self, operation: Operation, answer: Answer, location: bytes | None) -> None:
        """Record what exists after the operation."""
        if location:
            path = named(location)
            known = self.messages if "/messages/" in path else self.boards
            if path not in known:
                known.append(path)
                self.versions[path] = 1
        elif answer.status == 200 and operation.method == "PUT":
            self.versions[operation.path] = json.loads(answer.body)["version"]
        elif answer.status == 204:
            self.versions.pop(operation.path, None)

    def a_board(self, which: int) -> str:
        return self.boards[which % len(self.boards)] if which < 10 else "/boards/{nobody}"

    def a_message(self, which: int) -> str:
        return self.messages[which % len(self.messages)] if self.messages and which < 10 else "/boards/{board0}/messages/{nobody}"

    def seen(self, header: bytes, path: str, tag: str | None, stale: int) -> tuple[tuple[bytes, bytes], ...]:
        """Return a header with the current version of a path, or with another version."""
        if tag is None:
            return ()
        return ((header, tag.format(self.versions.get(path, 1) + stale).encode()),)

    def post(self, path: str, key: str | None, shift: int, **fields: Any) -> None:
        headers = (JSON,) if key is None else (JSON, (b"Idempotency-Key", key.encode()))
        self.posted = Operation("POST", path, headers, json.dumps(fields).encode())
        self.do(self.posted, shift)

    @initialize(shift=SHIFTS, author=notices.AUTHOR, text=notices.TEXTS)
    def begin(self, shift: int, author: str, text: str) -> None:
        self.post("/boards", None, shift, name=MARK)
        self.post("/boards/{board0}/messages", None, shift, author=author, text=text)

    @rule(shift=SHIFTS, name=notices.NAMES, key=notices.KEYS)
    def create_board(self, shift: int, name: str, key: str | None) -> None:
        self.post("/boards", key, shift, name=name and MARK + name)

    @rule(shift=SHIFTS, which=WHICH, author=notices.AUTHORS, text=notices.TEXTS, key=notices.KEYS)
    def post_message(self, shift: int, which: int, author: str, text: str, key: str | None) -> None:
        self.post(f"{self.a_board(which)}/messages", key, shift, author=author, text=text)

    @rule(shift=SHIFTS, which=WHICH, author=notices.AUTHOR, text=notices.TEXTS, key=notices.KEYS)
    def post_twice(self, shift: int, which: int, author: str, text: str, key: str | None) -> None:
        self.post(f"{self.a_board(which)}/messages", key, shift, author=author, text=text)
        self.repeat((shift + 1) % 3)

    @rule(shift=SHIFTS)
    def repeat(self, shift: int) -> None:
        assert self.posted
        self.do(self.posted, shift)

    @rule(shift=SHIFTS, which=WHICH, name=notices.NAMES, tag=notices.TAGS, stale=notices.STALE)
    def rename_board(self, shift: int, which: int, name: str, tag: str | None, stale: int) -> None:
        path = self.a_board(which)
        body = json.dumps({"name": name and MARK + name}).encode()
        self.do(Operation("PUT", path, (JSON, *self.seen(b"If-Match", path, tag, stale)), body), shift)

    @rule(shift=SHIFTS, which=WHICH, text=notices.TEXTS, tag=notices.TAGS, stale=notices.STALE)
    def edit_message(self, shift: int, which: int, text: str, tag: str | None, stale: int) -> None:
        path = self.a_message(which)
        body = json.dumps({"text": text}).encode()
        self.do(Operation("PUT", path, (JSON, *self.seen(b"If-Match", path, tag, stale)), body), shift)

    @rule(shift=SHIFTS, which=WHICH, tag=notices.TAGS, stale=notices.STALE)
    def delete_board(self, shift: int, which: int, tag: str | None, stale: int) -> None:
        path = self.a_board(which)
        self.do(Operation("DELETE", path, self.seen(b"If-Match", path, tag, stale)), shift)

    @rule(shift=SHIFTS, which=WHICH, tag=notices.TAGS, stale=notices.STALE)
    def delete_message(self, shift: int, which: int, tag: str | None, stale: int) -> None:
        path = self.a_message(which)
        self.do(Operation("DELETE", path, self.seen(b"If-Match", path, tag, stale)), shift)

    @rule(shift=SHIFTS, which=WHICH, tag=notices.TAGS, stale=notices.STALE)
    def show_board(self, shift: int, which: int, tag: str | None, stale: int) -> None:
        path = self.a_board(which)
        self.do(Operation("GET", path, self.seen(b"If-None-Match", path, tag, stale)), shift)

    @rule(shift=SHIFTS, which=WHICH, tag=notices.TAGS, stale=notices.STALE)
    def show_message(self, shift: int, which: int, tag: str | None, stale: int) -> None:
        path = self.a_message(which)
        headers = ((b"Accept-Encoding", b"gzip"), *self.seen(b"If-None-Match", path, tag, stale))
        self.do(Operation("GET", path, headers), shift)

    @rule(shift=SHIFTS)
    def list_boards(self, shift: int) -> None:
        self.do(Operation("GET", "/boards?after={before}&limit=100"), shift)

    @rule(shift=SHIFTS, which=WHICH, limit=notices.LIMITS, after=notices.AFTERS, search=notices.SEARCHES)
    def list_messages(self, shift: int, which: int, limit: str | None, after: str | None, search: str | None) -> None:
        self.do(Operation("GET", f"{self.a_board(which)}/messages{query(limit=limit, after=after, search=search)}"), shift)

    @rule(shift=SHIFTS, operation=notices.ODD_OPERATIONS)
    def ask_oddly(self, shift: int, operation: Operation) -> None:
        self.do(operation, shift)

    def teardown(self) -> None:
        """Delete what is left, which is an operation to compare too."""
        for path in self.boards:
            if self.whole and path in self.versions:
                self.do(Operation("DELETE", path, (notices.ASKED,)), 0)


def named(location: bytes) -> str:
    """Return the path in a Location, with placeholders in braces for ids."""
    parts = location.decode().removeprefix("/service").split("/")
    return "/".join(f"{{{part}}}" if part[-1:].isdigit() else part for part in parts)

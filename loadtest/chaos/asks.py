"""What the load asks, how often, and what the contract says is the right answer (services/openapi.yaml)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from loadtest.chaos.events import Kind

SERVICES = ("flask", "fastapi", "django")
EVENT_LOOPS = ("fastapi", "django")
SMALL = b'{"message":"Hello, World!","numbers":[1,2,3],"nested":{"ok":true,"nothing":null}}'
CHUNKS = 6
STREAM = "".join(f"chunk {number} of {CHUNKS}\n" for number in range(1, CHUNKS + 1)).encode()
WAIT, CALL, INTERVAL = 0.03, 0.02, 0.1  # seconds


@dataclass(frozen=True)
class Ask:
    """One kind of request to one service, ``rate`` times a second. ``right`` is the body that answers it."""

    kind: Kind
    service: str
    path: str
    rate: float
    right: bytes
    method: str = "GET"

    def body(self, number: int) -> bytes | None:
        """What is sent with the request of that number: of a POST a document that no other has."""
        return document(number) if self.kind == "post" else None

    def answer(self, number: int) -> bytes:
        """The body that must come back."""
        return document(number) if self.kind == "post" else self.right


def asks(rate: float = 1.0) -> list[Ask]:
    """The whole load; ``rate`` multiplies all of its rates.

    A stream holds a worker of the WSGI service, and so does a call of an upstream that hangs, for five seconds: of both
    there are few, or the load itself would fill Flask's slots.
    """
    found = []
    for service in SERVICES:
        found += [
            Ask("get", service, "/json", 10 * rate, SMALL),
            Ask("get", service, f"/wait?seconds={WAIT}", 5 * rate, b'{"waited":%s}' % str(WAIT).encode()),
            Ask("head", service, "/json", 3 * rate, b"", "HEAD"),
            Ask("post", service, "/echo", 8 * rate, b"", "POST"),
            Ask("upstream", service, f"/upstream?seconds={CALL}", 0.5 * rate, b'{"calls":1,"seconds":%s}' % str(CALL).encode()),
            Ask("stream", service, f"/stream?chunks={CHUNKS}&interval={INTERVAL}", (1 if service in EVENT_LOOPS else 0.5) * rate, STREAM),
        ]
    return found


def document(number: int) -> bytes:
    """A document of the contract, with every field in its order: the echo is then the same bytes."""
    item = {"name": "gate", "quantity": number % 1_000_000 + 1, "price": 1.5}
    made = {
        "id": str(UUID(int=number)),
        "title": f"number {number}",
        "created": "2026-01-01T00:00:00Z",
        "urgent": False,
        "note": None,
        "tags": [],
        "items": [item],
    }
    return json.dumps(made, separators=(",", ":")).encode()


def judge_answer(ask: Ask, number: int, request_id: str, status: int, headers: Mapping[str, str], body: bytes) -> tuple[str, str]:
    """The outcome of an answer, and why where it is not right."""
    if status != 200:
        return "failed", f"status {status}"
    if headers.get("X-Request-ID") != request_id:
        return "wrong", f"the id of another request: {headers.get('X-Request-ID')}"
    if body != ask.answer(number):
        return "wrong", f"another body: {body[:60]!r}"
    return "right", ""

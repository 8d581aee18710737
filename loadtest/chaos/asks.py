"""The requests of the load: their rates, and the right answers by the contract (services/openapi.yaml)."""

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
    """One kind of request to one service, sent ``rate`` times a second. ``right`` is the expected body."""

    kind: Kind
    service: str
    path: str
    rate: float
    right: bytes
    method: str = "GET"

    def body(self, number: int) -> bytes | None:
        """Return the body of request ``number``: for a POST, a document that no other request sends; else ``None``."""
        return document(number) if self.kind == "post" else None

    def answer(self, number: int) -> bytes:
        """Return the body that the answer to request ``number`` must have."""
        return document(number) if self.kind == "post" else self.right


def asks(rate: float = 1.0) -> list[Ask]:
    """Return all requests of the load. ``rate`` multiplies every request rate.

    A stream occupies a worker of the WSGI service. A call to a hanging upstream also occupies one, for five seconds. Both
    therefore have low rates: otherwise the load itself would fill Flask's workers.
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
    """Return a document of the contract with all fields in their order, so that the echo returns the same bytes."""
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
    """Return the outcome of an answer, and the reason if it is not ``right``."""
    if status != 200:
        return "failed", f"status {status}"
    if headers.get("X-Request-ID") != request_id:
        return "wrong", f"the id of another request: {headers.get('X-Request-ID')}"
    if body != ask.answer(number):
        return "wrong", f"another body: {body[:60]!r}"
    return "right", ""

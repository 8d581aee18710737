"""Boards that tests create and delete."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.stack import Service
from tests.waiting import PATIENCE

ANY = {"If-Match": "*"}


def new_name() -> str:
    """Return a name that no board has."""
    return f"Test {uuid.uuid4()}"


def ask(client: httpx.Client, method: str, service: Service, path: str, **parts: Any) -> httpx.Response:
    """Return the answer. Retry a 503 as Retry-After says: on a busy machine a request may time out while it waits for a connection."""
    deadline = time.monotonic() + PATIENCE
    while (answer := client.request(method, f"{service.url}{path}", **parts)).status_code == 503:
        assert answer.headers["Retry-After"] == "1"
        assert time.monotonic() < deadline, f"{method} {service.url}{path} has been answered with 503 for {PATIENCE:g} s"
        time.sleep(1)
    return answer


@contextmanager
def made(client: httpx.Client, service: Service) -> Iterator[dict[str, str]]:
    """Create a board with one message. Also yield the name of another board (``taken``), the id of a deleted board, and an unused name."""
    boards = f"{service.url}/boards"
    here, other, gone = (client.post(boards, json={"name": new_name()}).json() for _ in range(3))
    message = client.post(f"{boards}/{here['id']}/messages", json={"author": "Ada", "text": "The first notice"}).json()
    client.delete(f"{boards}/{gone['id']}", headers=ANY)
    names = {"taken": other["name"], "new": new_name().replace(" ", "-")}
    try:
        yield {"board": str(here["id"]), "message": str(message["id"]), "gone": str(gone["id"]), **names}
    finally:
        for board in (here, other):
            client.delete(f"{boards}/{board['id']}", headers=ANY)

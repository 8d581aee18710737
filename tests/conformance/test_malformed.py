"""Malformed requests and hidden ones: no server error, no request that no client sent, and no lost worker.

MALFORMED_REQUESTS is their number. Each application logs what it received, and Nginx what it sent: the two must agree.
"""

import asyncio
import os
import re
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import httpx
import pytest

from loadtest.chaos.attacks.malformed import AT_ONCE, exchange
from loadtest.chaos.attacks.model import Tally, Target
from loadtest.chaos.attacks.vectors import generate
from loadtest.chaos.attacks.vectors.model import Vector
from tests.conftest import run_stack
from tests.log_reader import APPLICATIONS, Seen, Witness
from tests.stack import EVENT_LOOPS, HOST, PORT, SERVICES, Service
from tests.waiting import until
from tests.wire import Request, Wire
from twogates.http.counters import HEALTH_CHECKS

SEED = 9112

HONEST = (
    (b"Connection", b"Upgrade"),
    (b"Upgrade", b"websocket"),
    (b"Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
    (b"Sec-WebSocket-Version", b"13"),
)


@dataclass
class Told:
    """What the client sent and received, and what the stack logged."""

    mark: str
    exchanges: list[tuple[Vector, bytes]]
    seen: Seen
    lost: set[int]  # process ids

    def describe(self, vectors: list[Vector]) -> str:
        """Return the ten most common kinds, with an example of each, to find the cause."""
        counts = Counter(f"{vector.family}, {vector.what}" for vector in vectors)
        firsts = {f"{vector.family}, {vector.what}": vector.data[:600] for vector in reversed(vectors)}
        return "\n".join(f"{number} x {kind}, such as {firsts[kind]!r}" for kind, number in counts.most_common(10))


@pytest.fixture(scope="module")
def told(stack: None) -> Iterator[Told]:
    """Send all requests while the applications log what they receive."""
    if "TARGET" in os.environ:
        pytest.skip("TARGET leads elsewhere, and the logs of that stack are not here")
    started = run_stack("up", env={**os.environ, "LOG_LEVEL": "debug"})
    assert started.returncode == 0, started.stdout + started.stderr
    try:
        mark = uuid.uuid4().hex[:8]
        witness = Witness()
        before = witness.processes()
        number = int(os.environ.get("MALFORMED_REQUESTS", "1500"))
        exchanges = asyncio.run(send(list(generate(SEED, number, Target(HOST, PORT), mark))))
        yield Told(mark, exchanges, wait_for_the_end(witness, mark), before - witness.processes())
    finally:
        restored = run_stack("up")
        assert restored.returncode == 0, restored.stdout + restored.stderr


async def send(vectors: list[Vector]) -> list[tuple[Vector, bytes]]:
    """Send with the same concurrency as the attack."""
    left, done = iter(vectors), []
    target, tally = Target(HOST, PORT), Tally()

    async def sender() -> None:
        for vector in left:
            done.append((vector, await exchange(target, tally, vector)))

    await asyncio.gather(*(sender() for _ in range(AT_ONCE)))
    assert tally.connections == len(vectors), tally
    return done


def wait_for_the_end(witness: Witness, mark: str) -> Seen:
    """Send a last request to each service. Once the logs contain it, they contain every earlier request."""
    for service in SERVICES:
        assert httpx.get(f"{service.url}/json", headers={"X-Request-ID": f"{mark}.end.{service}"}).status_code == 200
    seen = witness.look()

    def complete() -> bool:
        nonlocal seen
        seen = witness.look()
        received = all(any(one[0] == f"{mark}.end.{name}" for one in seen.received[name]) for name in APPLICATIONS)
        return received and all(f"{mark}.end.{name}" in seen.proxied for name in APPLICATIONS)

    until("the last request is in every log", complete)
    return seen


def test_no_answer_is_an_error_of_the_server(told: Told) -> None:
    wrong = [vector for vector, received in told.exchanges if re.search(rb"HTTP/1\.[01] 5\d\d ", received)]
    assert not wrong, told.describe(wrong)
    ids = {of for of, status in told.seen.answers if status >= 500}
    assert not ids, told.describe([vector for vector, _ in told.exchanges if {vector.front, vector.hidden} & ids]) or ids


def test_no_hidden_request_is_taken_for_one(told: Told) -> None:
    """Neither Nginx nor an application accepts a hidden request, in any form. Its mark is in its path and in its id."""
    taken = {of for of, _ in told.seen.answers}
    for of, path in chain.from_iterable(told.seen.received.values()):
        taken.add(of)
        # A request may contain the hidden one as text in its own path.
        taken |= {f"{named}.hidden" for named in re.findall(rf"({told.mark}\.\d+)\.hidden", path) if of != f"{named}.front"}
    wrong = [vector for vector, _ in told.exchanges if vector.hidden in taken and not vector.may_follow]
    assert not wrong, told.describe(wrong)


@pytest.mark.parametrize("application", APPLICATIONS)
def test_an_application_receives_what_nginx_sent_and_nothing_else(told: Told, application: str) -> None:
    received = Counter(of for of, path in told.seen.received[application] if path not in HEALTH_CHECKS or of.startswith(told.mark))
    strangers = {of: (number, told.seen.proxied[of]) for of, number in received.items() if number > told.seen.proxied[of]}
    assert not strangers, "received more often than sent: " + str(strangers)


def test_no_answer_is_for_another_connection(told: Told) -> None:
    for vector, received in told.exchanges:
        numbers = set(re.findall(rf"{told.mark}\.(\d+)\.".encode(), received))
        assert numbers <= {vector.front.split(".")[1].encode()}, told.describe([vector])


def test_no_process_is_lost(told: Told) -> None:
    assert not told.lost


@pytest.mark.parametrize("application", APPLICATIONS)
def test_a_hidden_request_would_be_seen(told: Told, application: str) -> None:
    """Each application received some of the requests that may follow another, with the same marks."""
    kinds = {of.rpartition(".")[2] for of, _ in told.seen.received[application] if of.startswith(told.mark)}
    assert kinds >= {"front", "hidden"}


@pytest.mark.parametrize("service", EVENT_LOOPS, ids=str)
@pytest.mark.parametrize(
    "request_",
    [
        Request(b"GET", b"/ws", HONEST, b"GET / HTTP/1.1\r\n\r\n"),
        Request(b"HEAD", b"/ws", HONEST),
        Request(b"GET", b"/ws", HONEST[:2]),
        Request(b"GET", b"/ws", (*HONEST[:2], (b"Sec-WebSocket-Key", b"x" * 7000), HONEST[3])),
        Request(b"GET", b"/ws", (*HONEST, (b"Sec-WebSocket-Protocol", b"\xff"))),
    ],
    ids=["a body", "HEAD", "no key", "a long key", "no text"],
)
def test_a_wrong_handshake_is_a_plain_request_and_takes_nobody_away(service: Service, request_: Request) -> None:
    """Daphne drops the connection of such a handshake, and Nginx would then disable the replica for a while.

    One request for each replica would disable the whole service.
    """
    refused = Wire().send(request_.encode(f"/{service}"), request_.method)
    assert refused.status == 426
    assert refused.content_type == "application/problem+json"
    statuses = Counter(httpx.post(f"{service.url}/upload", content=b"x").status_code for _ in range(10))
    assert statuses == {200: 10}


@pytest.mark.parametrize(
    "head",
    ["GET / HTTP/2.0", "GET / HTTP/1.1\r\nTransfer-Encoding: gzip", "GET / HTTP/1.1\r\nTransfer-Encoding: chunked, identity"],
)
def test_a_version_or_coding_that_there_is_not_is_the_clients_mistake(head: str) -> None:
    answer = Wire().send(f"{head}\r\nHost: {HOST}:{PORT}\r\n\r\n".encode())
    assert (answer.status, answer.content_type) == (400, "application/problem+json")

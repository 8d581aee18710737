"""The table of workloads: what a request asks for, what the right answer is, and how long the request is held."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from loadtest.generator import large_board
from loadtest.generator.parameters import Parameters

DOCUMENT = {
    "id": "0d3ab6b4-2c3e-4f0e-9a53-b3f1f2f1f0aa",
    "title": "A parcel for the second gate",
    "created": "2026-01-31T12:00:00Z",
    "urgent": True,
    "note": 'Ünïcode, and a "quote"',
    "tags": ["small", "fragile"],
    "items": [{"name": "lantern", "quantity": 2, "price": 12.5}],
}
SEEDED = 25  # messages of each board that exists from the start
SMALL = {"message": "Hello, World!", "numbers": [1, 2, 3], "nested": {"ok": True, "nothing": None}}


@cache
def digest(work: int) -> str:
    """Return the digest that ``/cpu`` must answer. It is computed here, because an answer taken from the service proves nothing."""
    value = b"two gates"
    for _ in range(1000 * work):
        value = hashlib.sha256(value).digest()
    return value.hex()


def pieces(chunks: int) -> list[bytes]:
    """Return the pieces that ``/stream`` sends."""
    return [b"chunk %d of %d\n" % (number, chunks) for number in range(1, chunks + 1)]


def events(chunks: int) -> list[bytes]:
    """Return the events that ``/events`` sends."""
    return [b'id: %d\ndata: {"event":%d,"of":%d}\n\n' % (number, number, chunks) for number in range(1, chunks + 1)]


def counted(work: int) -> int:
    """Return the sum that the database must compute for ``/query``: of a thousand numbers for each unit of work."""
    return 1000 * work * (1000 * work + 1) // 2


def notices(how: str, limit: int) -> dict[str, Any]:
    """Return what ``/listing`` must answer for a board that has not been changed."""
    authors = ("Ada", "Ben", "Cleo", "Dan")
    return {
        "board": 1,
        "how": how,
        "messages": [{"author": authors[number % 4], "text": f"Notice {number + 1} of {SEEDED}"} for number in range(min(limit, SEEDED))],
    }


@dataclass(frozen=True)
class Workload:
    """One row of the table.

    ``path`` is filled in with the parameters. It is relative to the service's path, unless it begins with a slash.
    ``expected`` returns the parsed JSON of a whole answer, or the pieces of a streamed one. ``held_by_slot`` and ``held_by_loop`` return
    for how many seconds a request occupies a worker or thread, and a coroutine; ``None`` where that depends on the CPU. ``blocks``: the
    request blocks its event loop. ``asks_database``: it always needs a connection of the pool.
    """

    name: str
    path: str
    expected: Callable[[Parameters], Any]
    held_by_slot: Callable[[Parameters], float | None]
    held_by_loop: Callable[[Parameters], float | None]
    misreading: str
    style: Literal["request", "streamed", "socket", "slow"] = "request"
    content_type: str = "application/json"
    document: Any = None
    end_of_piece: bytes = b""
    status: int = 200
    by_proxy: bool = False  # Nginx answers it, and no service receives it
    blocks: bool = False
    hands_over: bool = False  # the loop hands it to a thread
    asks_database: bool = False
    asks_cache: bool = False  # one look-up, before the database
    of_laboratory: bool = False  # it needs data that only the laboratory's own database has


def unknown(_: Parameters) -> None:
    """Return ``None``: the time is not known before the run."""


CPU_MISREADING = (
    "This is not a ranking of servers: {what} costs CPU, which the services, Nginx and the load generator "
    "share on this machine, so a busier machine gives other numbers."
)

TABLE = (
    Workload(
        "wait",
        "wait?seconds={wait}",
        lambda p: {"waited": p.wait},
        lambda p: p.wait,
        lambda p: p.wait,
        "A higher bar does not mean that a request is served faster: none takes less than its wait, and a bar "
        "grows with how many requests are held at once.",
    ),
    Workload(
        "block",
        "block?seconds={wait}",
        lambda p: {"blocked": p.wait},
        lambda p: p.wait,
        lambda p: p.wait,
        "This does not say that an event loop is slow: it says what one blocking call does to everything else on its loop.",
        blocks=True,
    ),
    Workload(
        "offload",
        "block?seconds={wait}&offload=true",
        lambda p: {"blocked": p.wait},
        lambda p: p.wait,
        lambda p: p.wait,
        "A thread does not make the call shorter: it only lets the others go on.",
        hands_over=True,
    ),
    Workload(
        "cpu",
        "cpu?work={work}",
        lambda p: {"work": p.work, "digest": digest(p.work)},
        unknown,
        unknown,
        CPU_MISREADING.format(what="the work"),
    ),
    Workload(
        "upstream",
        "upstream?seconds={wait}&calls={calls}",
        lambda p: {"calls": p.calls, "seconds": p.wait},
        lambda p: p.wait * p.calls,
        lambda p: p.wait,
        "Two things differ here, not one: how many requests are held at once, and that one model makes its calls one "
        "after another while the other gathers them.",
    ),
    Workload(
        "query",
        "query?seconds={wait}&calls={calls}&work={work}",
        lambda p: {"calls": p.calls, "seconds": p.wait, "work": p.work, "total": counted(p.work)},
        lambda p: p.wait * p.calls,
        lambda p: p.wait * p.calls,
        "The number of connections bounds all three alike: an event loop that holds more requests lets them wait for a connection.",
        asks_database=True,
    ),
    Workload(
        "listing",
        "listing?board=1&limit={limit}&how=joined",
        lambda p: notices("joined", p.limit),
        unknown,
        unknown,
        CPU_MISREADING.format(what="a query"),
        asks_database=True,
    ),
    Workload(
        "listing-each",
        "listing?board=1&limit={limit}&how=each",
        lambda p: notices("each", p.limit),
        unknown,
        unknown,
        CPU_MISREADING.format(what="a round trip to the database"),
        asks_database=True,
    ),
    Workload(
        "summary",
        f"boards/{large_board.BOARD}/summary",
        lambda _: large_board.summary(),
        unknown,
        unknown,
        CPU_MISREADING.format(what="a query, or a look into a cache,"),
        asks_cache=True,
        of_laboratory=True,
    ),
    Workload(
        "stream",
        "stream?chunks={chunks}&interval={interval}",
        lambda p: pieces(p.chunks),
        lambda p: (p.chunks - 1) * p.interval,
        lambda p: (p.chunks - 1) * p.interval,
        "The latency here is that of a whole answer; what a reader feels is the first piece, in a column of its own.",
        style="streamed",
        content_type="text/plain",
        end_of_piece=b"\n",
    ),
    Workload(
        "events",
        "events?chunks={chunks}&interval={interval}",
        lambda p: events(p.chunks),
        lambda p: (p.chunks - 1) * p.interval,
        lambda p: (p.chunks - 1) * p.interval,
        "The latency here is that of a whole stream; what a reader feels is the first event, in a column of its own.",
        style="streamed",
        content_type="text/event-stream",
        end_of_piece=b"\n\n",
    ),
    Workload(
        "json",
        "json",
        lambda _: SMALL,
        unknown,
        unknown,
        CPU_MISREADING.format(what="a short request"),
    ),
    Workload(
        "echo",
        "echo",
        lambda _: DOCUMENT,
        unknown,
        unknown,
        CPU_MISREADING.format(what="reading and checking a document"),
        document=DOCUMENT,
    ),
    Workload(
        "static",
        "static/gates.svg",
        unknown,
        unknown,
        unknown,
        CPU_MISREADING.format(what="a file"),
        content_type="image/svg+xml",
        end_of_piece=b"</svg>",
    ),
    Workload(
        "slow-upload",
        "echo",
        unknown,
        lambda p: p.wait,
        lambda p: p.wait,
        "",
        style="slow",
        document=DOCUMENT,
    ),
    Workload(
        "refused-socket",
        "ws",
        unknown,
        unknown,
        unknown,
        "",
        content_type="application/problem+json",
        status=501,
    ),
    Workload(
        "static-by-nginx",
        "/static/gates.svg",
        unknown,
        unknown,
        unknown,
        "",
        content_type="image/svg+xml",
        end_of_piece=b"</svg>",
        by_proxy=True,
    ),
    Workload(
        "sockets",
        "ws",
        unknown,
        unknown,
        unknown,
        CPU_MISREADING.format(what="a message"),
        style="socket",
    ),
)
WORKLOADS = {workload.name: workload for workload in TABLE}
SERVICES = ("flask", "fastapi", "django")


def services_of(workload: Workload) -> tuple[str, ...]:
    """Return the services that can serve a workload: a WSGI application never receives a WebSocket."""
    return tuple(name for name in SERVICES if workload.style != "socket" or name != "flask")

"""The state that the requests and sockets of a load share: a session, a clock, and the list of events."""

import asyncio
from itertools import count
from time import monotonic
from types import SimpleNamespace

import aiohttp

from loadtest.chaos.events import Event, Kind, Outcome

# Longer than the chaos stack's TIMEOUT, so that the stack ends a request in a hung worker before the client does.
ANSWER_SECONDS = 30.0


class Recorder:
    """Record how each request and socket on ``base`` ended. ``clients``: see Load."""

    def __init__(self, base: str, clients: int) -> None:
        self.base, self.clients = base, clients
        self.events: list[Event] = []
        self.planned = 0
        self.numbers = count(1)
        self.stopping = asyncio.Event()
        trace = aiohttp.TraceConfig()
        trace.on_connection_reuseconn.append(tried)
        trace.on_connection_create_end.append(tried)
        # No connection limit: if a request had to wait for a connection, the load would no longer be open.
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), trace_configs=[trace], timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        )
        self.began = monotonic()

    @property
    def now(self) -> float:
        """Seconds since the load began."""
        return monotonic() - self.began

    def headers(self, number: int) -> dict[str, str]:
        """Return the headers of request ``number``: its unique id, and the address of its virtual client."""
        made = {"X-Request-ID": f"chaos-{number:08}"}
        if self.clients:
            client = number % self.clients
            made["X-Forwarded-For"] = f"198.18.{client // 250 % 250}.{client % 250 + 1}"  # address range for benchmarks, RFC 2544
        return made

    def note(self, planned: float, kind: Kind, service: str, outcome: Outcome, status: int = 0, why: str = "") -> None:
        """Record how a request or a socket ended."""
        self.events.append(Event(planned, self.now, kind, service, outcome, status, why))


async def tried(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
    """Count the connections that aiohttp used for a request."""
    if context.trace_request_ctx is not None:
        context.trace_request_ctx.count += 1

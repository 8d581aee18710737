"""A GET over HTTP/3, with aioquic."""

import asyncio
from collections import deque
from pathlib import Path

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, H3Event, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import QuicEvent

SECONDS = 10


class Client(QuicConnectionProtocol):
    """A single HTTP/3 connection."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]
        self.http = H3Connection(self._quic)
        self.received: deque[H3Event] = deque()
        self.ended = asyncio.Event()

    def quic_event_received(self, event: QuicEvent) -> None:
        for one in self.http.handle_event(event):
            self.received.append(one)
            if isinstance(one, HeadersReceived | DataReceived) and one.stream_ended:
                self.ended.set()

    async def get(self, name: str, path: str) -> tuple[dict[str, str], bytes]:
        """Send a GET. Return the headers, including ``:status``, and the body."""
        stream = self._quic.get_next_available_stream_id()
        headers = {":method": "GET", ":scheme": "https", ":authority": name, ":path": path}
        self.http.send_headers(stream, [(key.encode(), value.encode()) for key, value in headers.items()], end_stream=True)
        self.transmit()
        await asyncio.wait_for(self.ended.wait(), SECONDS)
        answered = [
            (key.decode(), value.decode()) for one in self.received if isinstance(one, HeadersReceived) for key, value in one.headers
        ]
        return dict(answered), b"".join(one.data for one in self.received if isinstance(one, DataReceived))


def get(port: int, name: str, path: str, authority: Path) -> tuple[dict[str, str], bytes]:
    """Send a GET to ``name`` at a local port, trusting one authority. Raises TimeoutError and ConnectionError."""

    async def ask() -> tuple[dict[str, str], bytes]:
        configuration = QuicConfiguration(alpn_protocols=H3_ALPN, server_name=name, cafile=str(authority), idle_timeout=SECONDS)
        async with connect("127.0.0.1", port, configuration=configuration, create_protocol=Client) as client:
            assert isinstance(client, Client)
            return await client.get(name, path)

    return asyncio.run(ask())

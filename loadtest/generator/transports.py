"""Transports to Nginx that HTTP clients do not let the caller choose: which handshake, on which connection, in which protocol."""

import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Literal

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded

Way = Literal["", "kept", "new", "tls kept", "tls new", "tls resumed", "http2 kept"]
WORDS: dict[Way, str] = {
    "kept": "on a kept connection",
    "new": "each on a new connection",
    "tls kept": "over TLS, on a kept connection",
    "tls new": "each with a full TLS handshake",
    "tls resumed": "each with a resumed TLS session",
    "http2 kept": "over HTTP/2, on a kept connection",
}
# Sent as host name, whatever the address: in the Host header and in the TLS handshake. It is one of ours.
NAME = "localhost"


@dataclass(frozen=True)
class Answer:
    """An answer: its status, its headers by their names in lower case, and its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class WayError(Exception):
    """The connection is not of the requested kind, or was closed."""


class Caller:
    """One client. Its methods raise OSError, HTTPException and WayError."""

    def __init__(self, address: tuple[str, int], way: Way, seconds: float) -> None:
        self.address, self.way, self.seconds = address, way, seconds
        self.connection: HTTPConnection | Http2 | None = None
        self.secure: ssl.SSLSocket | None = None
        self.session: ssl.SSLSession | None = None
        # Nginx is under test, so the client spends no CPU time on verifying our own certificate.
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE
        if way == "http2 kept":
            self.context.set_alpn_protocols(["h2"])

    def get(self, path: str, headers: Mapping[str, str]) -> Answer:
        """Send one request. Unless the connection is kept, close it afterwards."""
        if self.connection is None:
            self.connection = self.connect()
        answer = self.connection.get(path, headers) if isinstance(self.connection, Http2) else get(self.connection, path, headers)
        if not self.way.endswith("kept"):
            self.close()
        return answer

    def connect(self) -> "HTTPConnection | Http2":
        """Open a connection of the requested kind."""
        raw = socket.create_connection(self.address, self.seconds)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.way in ("kept", "new"):
            return over(raw, self.address)
        resume = self.session if self.way == "tls resumed" else None
        self.secure = secure = self.context.wrap_socket(raw, server_hostname=NAME, session=resume)
        if resume and not secure.session_reused:
            raise WayError("Nginx did not resume the session")
        if self.way == "http2 kept":
            if secure.selected_alpn_protocol() != "h2":
                raise WayError("Nginx did not choose HTTP/2")
            return Http2(secure)
        return over(secure, self.address)

    def close(self) -> None:
        """Close the connection and keep its TLS session. TLS 1.3 sends the session after the handshake; it was read with the answer."""
        if self.connection is not None:
            self.session = self.secure.session if self.secure else None
            self.connection.close()
        self.connection = None


def over(ready: socket.socket, address: tuple[str, int]) -> HTTPConnection:
    """Return an HTTP/1.1 connection on a connected socket."""
    connection = HTTPConnection(*address)
    connection.sock = ready
    return connection


def get(connection: HTTPConnection, path: str, headers: Mapping[str, str]) -> Answer:
    """Send one request over HTTP/1.1."""
    connection.request("GET", path, headers={"Host": NAME, **headers})
    response = connection.getresponse()
    return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())


class Http2:
    """HTTP/2 on a TLS connection, one request at a time."""

    def __init__(self, secure: socket.socket) -> None:
        self.socket = secure
        self.state = H2Connection(H2Configuration(header_encoding="utf-8"))
        self.state.initiate_connection()

    def get(self, path: str, headers: Mapping[str, str]) -> Answer:
        """Send one request on a new stream."""
        stream = self.state.get_next_available_stream_id()
        pseudo = [(":method", "GET"), (":scheme", "https"), (":authority", NAME), (":path", path)]
        self.state.send_headers(stream, [*pseudo, *((name.lower(), value) for name, value in headers.items())], end_stream=True)
        self.socket.sendall(self.state.data_to_send())
        found: dict[str, str] = {}
        body = b""
        while received := self.socket.recv(65536):
            for event in self.state.receive_data(received):
                if isinstance(event, ResponseReceived):
                    found |= {str(name): str(value) for name, value in event.headers}
                elif isinstance(event, DataReceived):
                    body += event.data
                    self.state.acknowledge_received_data(event.flow_controlled_length, stream)
                elif isinstance(event, StreamEnded):
                    self.socket.sendall(self.state.data_to_send())
                    return Answer(int(found[":status"]), found, body)
            self.socket.sendall(self.state.data_to_send())
        raise WayError("Nginx closed the connection")

    def close(self) -> None:
        """Close the connection."""
        self.socket.close()

"""Ways to reach Nginx that HTTP clients do not let one choose: which handshake, on which connection, in which protocol."""

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
# A name of ours, whatever the address.
NAME = "localhost"


@dataclass(frozen=True)
class Answer:
    """What came: its status, its headers by their names in lower case, and its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class WayError(Exception):
    """A connection that is not of the kind that was asked for."""


class Caller:
    """One client. Raises OSError, HTTPException and WayError."""

    def __init__(self, address: tuple[str, int], way: Way, seconds: float) -> None:
        self.address, self.way, self.seconds = address, way, seconds
        self.connection: HTTPConnection | Http2 | None = None
        self.secure: ssl.SSLSocket | None = None
        self.session: ssl.SSLSession | None = None
        # What is measured is Nginx: the client does not spend its CPU time on a certificate of our own.
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE
        if way == "http2 kept":
            self.context.set_alpn_protocols(["h2"])

    def get(self, path: str, headers: Mapping[str, str]) -> Answer:
        """One request. A connection that is not kept is closed behind it."""
        if self.connection is None:
            self.connection = self.connect()
        answer = self.connection.get(path, headers) if isinstance(self.connection, Http2) else get(self.connection, path, headers)
        if not self.way.endswith("kept"):
            self.close()
        return answer

    def connect(self) -> "HTTPConnection | Http2":
        """A connection of the way's kind."""
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
        """Leave. What TLS 1.3 sent after the handshake has been read with the answer, and with it the session."""
        if self.connection is not None:
            self.session = self.secure.session if self.secure else None
            self.connection.close()
        self.connection = None


def over(ready: socket.socket, address: tuple[str, int]) -> HTTPConnection:
    """HTTP/1.1 on a socket that is connected."""
    connection = HTTPConnection(*address)
    connection.sock = ready
    return connection


def get(connection: HTTPConnection, path: str, headers: Mapping[str, str]) -> Answer:
    """One request over HTTP/1.1."""
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
        """One request, on a stream of its own."""
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

"""Locust's users: one class for each way to send a request, and a derived class for each service and workload.

Every answer is verified: status, content type, body, and the request id that was sent. A wrong answer is a failure, however fast it
came.
"""

import json
import socket
import types
from dataclasses import asdict
from functools import partial
from itertools import count
from time import perf_counter
from typing import Any, ClassVar
from urllib.parse import urlsplit
from uuid import uuid4

import gevent
import websocket
from locust import FastHttpUser
from locust.contrib.fasthttp import FAILURE_EXCEPTIONS
from locust.exception import ResponseError

from loadtest.generator.arrivals import MOST_IN_FLIGHT, Asker, Burst, Closed, Hold, Open
from loadtest.generator.keep_alive import keep_connections
from loadtest.generator.parameters import Parameters
from loadtest.generator.ramp_up import Entrance
from loadtest.generator.recorder import CONNECT, FIRST_PIECE
from loadtest.generator.transports import Caller, Way
from loadtest.generator.workloads import Workload

# Longer than Nginx waits for a service, so that a user receives Nginx's error.
TIMEOUT_SECONDS = 60.0
NUMBERS = count(1)
keep_connections()


class AnswerError(ResponseError):
    """A wrong answer. Raised in the block of a response, it makes the request a failure."""


class WorkloadUser(Asker):
    """A user of one workload of one service."""

    abstract = True
    workload: ClassVar[Workload]
    path: ClassVar[str]
    expected: ClassVar[Any]
    entrance: ClassVar[Entrance | None] = None
    # Prefix of a request's id, which lets each log identify the cell of a request.
    mark: ClassVar[str] = ""
    source: ClassVar[str] = ""  # the client address that it sends as X-Forwarded-For, if not its own

    def on_start(self) -> None:
        """Ramp up with the other users of the cell, if there is a cell."""
        if self.entrance:
            self.entrance.enter(self.connect)

    def connect(self) -> None:
        """Open the persistent connection, if there is one."""

    def begin(self, intended: float | None) -> dict[str, Any]:
        """Count a request that begins. Return the context for listeners of the ``request`` event: its user, and when it was due."""
        if self.recorder:
            self.recorder.begin(intended)
        return {"user": id(self)} | ({} if intended is None else {"intended": intended})

    def new_id(self) -> str:
        """Return a request id: the cell's mark and a number, or a random id if there is no cell."""
        return f"{self.mark}-{next(NUMBERS):x}" if self.mark else uuid4().hex


class HttpWorkloadUser(WorkloadUser, FastHttpUser):
    """A user over HTTP, with persistent connections."""

    abstract = True
    connection_timeout = TIMEOUT_SECONDS
    network_timeout = TIMEOUT_SECONDS

    def connect(self) -> None:
        pool = self.client.client.clientpool.get_client(str(self.host))._connection_pool
        pool.return_socket(pool.get_socket())

    def on_stop(self) -> None:
        """Close the connections: otherwise the next cell would count them too."""
        self.client.client.close()

    def verify_head(self, response: Any, request_id: str) -> None:
        """Raise AnswerError unless status, content type and request id are right."""
        if response.status_code == 0:
            raise AnswerError(f"no answer: {response.error}")
        if response.status_code != self.workload.status:
            raise AnswerError(f"status {response.status_code}")
        if not (response.headers.get("Content-Type") or "").startswith(self.workload.content_type):
            raise AnswerError(f"not of type {self.workload.content_type}")
        if response.headers.get("X-Request-ID") != request_id:
            raise AnswerError("an answer to another request")


class RequestUser(HttpWorkloadUser):
    """Sends a request and reads the answer as a whole."""

    abstract = True

    def ask(self, intended: float | None = None) -> None:
        context = self.begin(intended)
        request_id = self.new_id()
        method, document = ("POST", self.workload.document) if self.workload.document else ("GET", None)
        headers = {"X-Request-ID": request_id} | ({"X-Forwarded-For": self.source} if self.source else {})
        with self.client.request(method, self.path, json=document, headers=headers, catch_response=True, context=context) as response:
            self.verify_head(response, request_id)
            if not self.is_expected(response.content):
                raise AnswerError("another body than expected")
            response.success()  # otherwise Locust counts a status of 400 or more as a failure, even if it is expected

    def is_expected(self, body: bytes) -> bool:
        """Return whether a body is the expected JSON. Without an expected JSON, return whether it ends as the whole file does."""
        if self.workload.content_type.endswith("+json"):
            return bool(json.loads(body)["status"] == self.workload.status)
        if self.expected is None:
            return body.rstrip().endswith(self.workload.end_of_piece)
        try:
            return bool(json.loads(body) == self.expected)
        except ValueError:
            return False


class StreamUser(HttpWorkloadUser):
    """Reads an answer piece by piece as it arrives.

    FastHttpUser's ``iter_content`` and ``iter_lines`` wait for 1,024 bytes, which are several events. ``readline`` of the underlying
    response returns as soon as its line is complete.
    """

    abstract = True

    def ask(self, intended: float | None = None) -> None:
        context = self.begin(intended)
        request_id = self.new_id()
        headers = {"X-Request-ID": request_id, "Accept-Encoding": "identity"}
        begun = perf_counter()
        with self.client.get(self.path, headers=headers, stream=True, catch_response=True, context=context) as response:
            try:
                self.verify_head(response, request_id)
                self.read_pieces(response, begun, context)
            finally:
                response.request_meta["response_time"] = (perf_counter() - begun) * 1000
                if response.status_code:
                    response.release()

    def open_and_wait(self) -> None:
        """Read the first piece of a stream, and leave the rest unread."""
        assert self.recorder
        headers = {"X-Request-ID": self.new_id(), "Accept-Encoding": "identity"}
        with self.client.get(self.path, headers=headers, stream=True, catch_response=True, context={"user": id(self)}) as response:
            try:
                if response.status_code == 200 and response.stream.readline(self.workload.end_of_piece) == self.expected[0]:
                    self.recorder.ready.add(id(self))
                    self.recorder.over.wait()
            finally:
                if response.status_code:
                    response.release()

    def read_pieces(self, response: Any, begun: float, context: dict[str, Any]) -> None:
        """Read the answer to its end. Raise AnswerError at the first piece that is not the expected one."""
        for number, expected in enumerate([*self.expected, b""]):  # empty: nothing may follow the last piece
            try:
                piece = response.stream.readline(self.workload.end_of_piece)
            except FAILURE_EXCEPTIONS as error:
                raise AnswerError(f"cut off: {error}") from error
            if piece != expected:
                raise AnswerError(f"piece {number + 1} is not the expected one")
            if number == 0:
                self.environment.events.request.fire(
                    request_type=FIRST_PIECE,
                    name=self.path,
                    response_time=(perf_counter() - begun) * 1000,
                    response_length=len(piece),
                    exception=None,
                    context=context,
                )


class SocketUser(WorkloadUser):
    """Sends a message over a persistent WebSocket, and waits for its echo."""

    abstract = True
    socket: websocket.WebSocket | None = None

    def ask(self, intended: float | None = None) -> None:
        self.connect()
        if self.socket is None:
            return
        context = self.begin(intended)
        message = uuid4().hex
        with self.environment.events.request.measure("WS", self.path, context=context):
            try:
                self.socket.send(message)
                if self.socket.recv() != message:
                    raise AnswerError("another message than the one sent")
            except Exception:
                self.hang_up()
                raise

    def connect(self) -> None:
        """Open the connection if it is not open."""
        if self.socket is None:
            address = f"ws{str(self.host).removeprefix('http')}{self.path}"
            headers = {"X-Request-ID": self.new_id()}
            with self.environment.events.request.measure(CONNECT, self.path, context={"user": id(self)}):
                self.socket = websocket.create_connection(address, TIMEOUT_SECONDS, header=headers)

    def open_and_wait(self) -> None:
        """Open the connection and leave it open."""
        self.connect()
        if self.socket and self.recorder:
            self.recorder.ready.add(id(self))

    def hang_up(self) -> None:
        """Close the connection; the next message opens another."""
        if self.socket:
            self.socket.close(timeout=1)
        self.socket = None

    def on_stop(self) -> None:
        """Close the connection as a browser does when it leaves the page."""
        self.hang_up()


class WayUser(WorkloadUser):
    """Sends requests over the transport that its load names, with or without a persistent connection."""

    abstract = True
    way: ClassVar[Way]
    caller: Caller | None = None

    def ask(self, intended: float | None = None) -> None:
        context = self.begin(intended)
        request_id = self.new_id()
        with self.environment.events.request.measure("WAY", self.path, context=context):
            if self.caller is None:
                url = urlsplit(str(self.host))
                self.caller = Caller((str(url.hostname), url.port or 0), self.way, TIMEOUT_SECONDS)
            try:
                answer = self.caller.get(self.path, {"X-Request-ID": request_id})
            except Exception:
                self.on_stop()
                raise
            if answer.status != self.workload.status:
                raise AnswerError(f"status {answer.status}")
            if not answer.headers.get("content-type", "").startswith(self.workload.content_type):
                raise AnswerError(f"not of type {self.workload.content_type}")
            if answer.headers.get("x-request-id") != request_id:
                raise AnswerError("an answer to another request")
            if not answer.body.rstrip().endswith(self.workload.end_of_piece):
                raise AnswerError("another body than expected")

    def on_stop(self) -> None:
        """Close the open connection; the next request opens another."""
        if self.caller:
            self.caller.close()
        self.caller = None


class SlowUser(WorkloadUser):
    """A client on a slow network, which sends its request piece by piece.

    It uses a plain socket, because HTTP clients send as fast as they can.
    """

    abstract = True
    PIECES = 20
    seconds: ClassVar[float]

    def ask(self, intended: float | None = None) -> None:
        context = self.begin(intended)
        with self.environment.events.request.measure("SLOW", self.path, context=context):
            self.exchange()

    def exchange(self) -> None:
        """Send one request and verify its answer, on a new connection."""
        url = urlsplit(str(self.host))
        request_id = self.new_id()
        body = json.dumps(self.workload.document).encode()
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: {url.netloc}\r\nX-Request-ID: {request_id}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        ).encode()
        with socket.socket() as connection:
            connection.settimeout(TIMEOUT_SECONDS)
            connection.connect((url.hostname, url.port))
            connection.sendall(head)
            for piece in self.pieces(body):
                gevent.sleep(self.seconds / self.PIECES)
                connection.sendall(piece)
            answer = b"".join(iter(partial(connection.recv, 65536), b""))
        if not answer.startswith(b"HTTP/1.1 200 ") or request_id.encode() not in answer:
            raise AnswerError(f"not answered: {answer[:12].decode('latin-1') or 'connection closed'}")

    def pieces(self, body: bytes) -> list[bytes]:
        """Return the body in equal pieces."""
        size = -(-len(body) // self.PIECES) or 1
        return [body[start : start + size] for start in range(0, len(body), size)]


STYLES: dict[str, type[WorkloadUser]] = {"request": RequestUser, "streamed": StreamUser, "socket": SocketUser, "slow": SlowUser}
KINDS: dict[str, type[Asker]] = {"closed": Closed, "open": Open, "burst": Burst, "hold": Hold}


def user_class(
    prefix: str, workload: Workload, parameters: Parameters, target: str, kind: str = "closed", **more: Any
) -> type[WorkloadUser]:
    """Return the class of users of a workload below the path ``prefix`` of ``target``, such as ``FlaskWait``."""
    path = workload.path.format(**asdict(parameters))
    attributes = {
        "workload": workload,
        "path": ("" if path.startswith("/") else f"{prefix}/") + path,
        "expected": workload.expected(parameters),
        "seconds": parameters.wait,
        # Concurrent requests of one client. The default of 10 would silently limit an open workload, where one user sends all requests.
        "concurrency": MOST_IN_FLIGHT if kind == "open" else 1,
        "host": target,
        "__doc__": f"The workload {workload.name} below {prefix}.",
        "__module__": __name__,
        **more,
    }
    name = prefix.strip("/").title() + workload.name.title().replace("-", "")
    style = WayUser if more.get("way") else STYLES[workload.style]
    return types.new_class(name, (style, KINDS[kind]), exec_body=lambda names: names.update(attributes))

"""Locust's users: one class for each way of asking, and from them one for each service and workload.

Every answer is verified: status, content type, body, and the id that the request was sent with. What is not right is a
failure, however fast it came.
"""

import json
import random
import types
from dataclasses import asdict
from time import perf_counter
from typing import Any, ClassVar
from uuid import uuid4

import gevent
import websocket
from locust import FastHttpUser, User, task
from locust.contrib.fasthttp import FAILURE_EXCEPTIONS
from locust.exception import ResponseError

from loadtest.parameters import Parameters
from loadtest.recorder import CONNECT, FIRST_PIECE
from loadtest.workloads import Workload

# Longer than Nginx waits for a service, so that a user hears what went wrong.
TIMEOUT_SECONDS = 60.0


class AnswerError(ResponseError):
    """An answer that is not the right one; raised in the block of a response, it makes the request a failure."""


class WorkloadUser(User):
    """A user of one workload of one service, who asks again as soon as the answer is there."""

    abstract = True
    workload: ClassVar[Workload]
    path: ClassVar[str]
    expected: ClassVar[Any]
    stagger: ClassVar[float]

    def on_start(self) -> None:
        """Begin at a moment of one's own: users in step end their requests in bursts, which a window holds or just misses."""
        gevent.sleep(random.uniform(0, self.stagger))  # noqa: S311  nothing secret

    def context(self) -> dict[str, Any]:
        """Tells listeners of the ``request`` event whose request it was."""
        return {"user": id(self)}


class HttpWorkloadUser(WorkloadUser, FastHttpUser):
    """A user over HTTP, with one kept connection."""

    abstract = True
    # Requests at once in one client. Each user has its own client and asks for one thing at a time. Where users share a
    # client, or one user spawns greenlets, the default of 10 is a silent limit on the load.
    concurrency = 1
    connection_timeout = TIMEOUT_SECONDS
    network_timeout = TIMEOUT_SECONDS

    def verify_head(self, response: Any, request_id: str) -> None:
        """Raise AnswerError unless status, content type and request id are right."""
        if response.status_code == 0:
            raise AnswerError(f"no answer: {response.error}")
        if response.status_code != 200:
            raise AnswerError(f"status {response.status_code}")
        if not (response.headers.get("Content-Type") or "").startswith(self.workload.content_type):
            raise AnswerError(f"not of type {self.workload.content_type}")
        if response.headers.get("X-Request-ID") != request_id:
            raise AnswerError("an answer to another request")


class RequestUser(HttpWorkloadUser):
    """Asks, and takes the answer as a whole."""

    abstract = True

    @task
    def ask(self) -> None:
        request_id = uuid4().hex
        method, document = ("POST", self.workload.document) if self.workload.document else ("GET", None)
        headers = {"X-Request-ID": request_id}
        with self.client.request(method, self.path, json=document, headers=headers, catch_response=True) as response:
            self.verify_head(response, request_id)
            if not self.is_expected(response.content):
                raise AnswerError("another body than expected")

    def is_expected(self, body: bytes) -> bool:
        """Whether a body is the expected JSON."""
        try:
            return bool(json.loads(body) == self.expected)
        except ValueError:
            return False


class StreamUser(HttpWorkloadUser):
    """Reads an answer piece by piece as it comes.

    FastHttpUser's ``iter_content`` and ``iter_lines`` wait for 1,024 bytes, several events; ``readline`` of the response
    below them returns when its line is there.
    """

    abstract = True

    @task
    def follow(self) -> None:
        request_id = uuid4().hex
        headers = {"X-Request-ID": request_id, "Accept-Encoding": "identity"}
        begun = perf_counter()
        with self.client.get(self.path, headers=headers, stream=True, catch_response=True) as response:
            try:
                self.verify_head(response, request_id)
                self.read_pieces(response, begun)
            finally:
                response.request_meta["response_time"] = (perf_counter() - begun) * 1000
                if response.status_code:
                    response.release()

    def read_pieces(self, response: Any, begun: float) -> None:
        """Read to the end of the answer; raise AnswerError at the first piece that is not the expected one."""
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
                    context=self.context(),
                )


class SocketUser(WorkloadUser):
    """Sends a message over a WebSocket that stays open, and waits for its echo."""

    abstract = True
    socket: websocket.WebSocket | None = None

    @task
    def say(self) -> None:
        if self.socket is None:
            with self.environment.events.request.measure(CONNECT, self.path, context=self.context()):
                self.socket = websocket.create_connection(f"ws{str(self.host).removeprefix('http')}{self.path}", TIMEOUT_SECONDS)
        if self.socket is None:
            return
        message = uuid4().hex
        with self.environment.events.request.measure("WS", self.path, context=self.context()):
            try:
                self.socket.send(message)
                if self.socket.recv() != message:
                    raise AnswerError("another message than the one sent")
            except Exception:
                self.hang_up()
                raise

    def hang_up(self) -> None:
        """Close the connection; the next message opens another."""
        if self.socket:
            self.socket.close(timeout=1)
        self.socket = None

    def on_stop(self) -> None:
        """Close the connection as a browser that leaves does."""
        self.hang_up()


STYLES: dict[str, type[WorkloadUser]] = {"request": RequestUser, "streamed": StreamUser, "socket": SocketUser}


def user_class(service: str, workload: Workload, parameters: Parameters, target: str) -> type[WorkloadUser]:
    """The class of a service's users of a workload, such as ``FlaskWait``."""
    attributes = {
        "workload": workload,
        "path": f"/{service}/{workload.path.format(**asdict(parameters))}",
        "expected": workload.expected(parameters),
        "stagger": workload.held_by_loop(parameters) or 0.0,
        "host": target,
        "__doc__": f"The workload {workload.name} of {service}.",
        "__module__": __name__,
    }
    return types.new_class(
        service.title() + workload.name.title(), (STYLES[workload.style],), exec_body=lambda names: names.update(attributes)
    )

"""A load generator that lies in one way and is honest in every other: ``python -m tests.lies.lying_generator LIE HOST PORT``."""

# First: it replaces the system's sockets with gevent's, before another module imports them.
import loadtest.generator.__main__ as generator  # isort: skip

import random
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

import gevent
from geventhttpclient.client import HTTPClientPool
from geventhttpclient.connectionpool import ConnectionPool

from loadtest.generator import cell
from loadtest.generator.cell import Part
from loadtest.generator.recorder import Recorder
from loadtest.generator.users import HttpWorkloadUser, RequestUser, WorkloadUser

IMPATIENT_SECONDS = 0.07
SHARED_CONNECTIONS = 6
BURNT_SECONDS = 0.003


def replace(owner: object, **by: object) -> None:
    """Replace attributes of ``owner``."""
    for name, value in by.items():
        setattr(owner, name, value)


def looks_at_no_answer() -> None:
    """Count every answer as a success, like a client that counts responses and reads none of them."""
    replace(HttpWorkloadUser, verify_head=lambda _self, response, _id: response.success())
    replace(RequestUser, is_expected=lambda _self, _body: True)


def counts_aborted() -> None:
    """Give up after a short time, and count the aborted requests."""
    replace(HttpWorkloadUser, network_timeout=IMPATIENT_SECONDS)
    looks_at_no_answer()


def leaves_out_connecting() -> None:
    """Start the latency only once there is a connection to send the request on."""
    take, request = ConnectionPool.get_socket, Recorder.request

    def noted(self: Any) -> Any:
        connection = take(self)
        gevent.getcurrent().connected = perf_counter()
        return connection

    def shortened(self: Any, *, context: dict[str, Any], **event: Any) -> None:
        request(self, context={**context, "intended": gevent.getcurrent().connected}, **event)

    replace(ConnectionPool, get_socket=noted)
    replace(Recorder, request=shortened)


def has_few_connections() -> None:
    """Share a few connections among all users, which wait for one inside the generator. Their latency includes the wait."""
    # on_stop: otherwise, the first user that leaves closes the others' connections.
    replace(HttpWorkloadUser, client_pool=HTTPClientPool(concurrency=SHARED_CONNECTIONS), on_stop=lambda _self: None)
    # Some users never get a connection, and the warm-up waits for the first answer of each.
    replace(cell, LONGEST_WARM_UP_SECONDS=5.0)


def hides_few_connections() -> None:
    """Do the same, and start the latency only after the wait for a connection."""
    has_few_connections()
    leaves_out_connecting()


def is_busy() -> None:
    """Spend CPU time on each answer, more than the generator has."""
    is_expected = RequestUser.is_expected

    def slowly(self: Any, body: bytes) -> bool:
        begun = perf_counter()
        while perf_counter() - begun < BURNT_SECONDS:
            pass
        return bool(is_expected(self, body))

    replace(RequestUser, is_expected=slowly)


def opens_early() -> None:
    """Open the window at once, while users arrive until its middle."""

    def on_start(self: Any) -> None:
        gevent.sleep(random.uniform(0, self.recorder.seconds / 2))

    replace(WorkloadUser, on_start=on_start)
    replace(Part, ready=True, warm_up=property(lambda _self: 0.0, lambda _self, _asked: None))


LIES: dict[str, Callable[[], None]] = {
    lie.__name__: lie
    for lie in (looks_at_no_answer, counts_aborted, leaves_out_connecting, has_few_connections, hides_few_connections, is_busy, opens_early)
}

if __name__ == "__main__":
    LIES[sys.argv.pop(1)]()
    generator.main()

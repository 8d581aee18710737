"""Real sockets' connections, as the kernel counts them."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from loadtest.generator.connections import established

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
CHILD = "import socket, sys; held = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); print('held', flush=True); sys.stdin.read()"


@pytest.fixture(params=[(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")], ids=["IPv4", "IPv6"])
def listener(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    family, address = request.param
    with socket.socket(family) as made:
        try:
            made.bind((address, 0))
        except OSError as error:
            pytest.skip(f"no {address} here: {error}")
        made.listen()
        yield made


def test_connections_are_counted_while_they_are_open(listener: socket.socket) -> None:
    address, port = listener.getsockname()[:2]
    others = established(port) or 0  # left by an earlier test, to the same port at another address
    with ExitStack() as stack:
        held = [stack.enter_context(socket.create_connection((address, port))) for _ in range(5)]
        for _ in held:
            stack.enter_context(listener.accept()[0])  # the accepted ends, which are not connections to the port
        assert established(port) == others + 5
        held[0].close()
        held[1].shutdown(socket.SHUT_WR)  # closed in one direction
        assert established(port) == others + 3
    assert established(port) == others


def test_those_to_another_port_and_of_another_process_are_not() -> None:
    with socket.socket() as one, socket.socket() as other:
        for made in (one, other):
            made.bind(("127.0.0.1", 0))
            made.listen()
        port = one.getsockname()[1]
        others = established(port) or 0
        with (
            socket.create_connection(("127.0.0.1", port)),
            socket.create_connection(other.getsockname()),
            subprocess.Popen([sys.executable, "-c", CHILD, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child,
        ):
            assert child.stdin
            assert child.stdout
            assert child.stdout.readline() == b"held\n"
            assert established(port) == others + 1
            child.stdin.close()

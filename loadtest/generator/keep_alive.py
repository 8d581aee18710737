"""Lets the HTTP client keep connections whose file descriptor is 1024 or more.

Before geventhttpclient (2.6) uses a connection again, it asks ``select`` whether the server has closed it. ``select`` knows no
descriptor beyond 1023 and raises ValueError, which the client takes for a closed connection: every user beyond the first
thousand of a process would open a new connection for each request, and measure that.
"""

import select

from gevent import monkey
from gevent.socket import socket
from geventhttpclient.connectionpool import ConnectionPool

# gevent's own would go through the event loop.
poll = monkey.get_original("select", "poll")


def is_idle(_: ConnectionPool, connection: socket | None) -> bool:
    """Whether a connection is open and has nothing to read: what an idle one has to read is its end."""
    if connection is None or connection.fileno() < 0:
        return False
    asked = poll()
    asked.register(connection.fileno(), select.POLLIN)
    return not asked.poll(0)


def keep_connections() -> None:
    """Put it in the place of the client's own question."""
    ConnectionPool._is_socket_alive = is_idle

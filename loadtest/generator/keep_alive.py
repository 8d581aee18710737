"""Lets the HTTP client keep connections whose file descriptor is 1024 or more.

Before geventhttpclient (2.6) reuses a connection, it calls ``select`` to learn whether the server has closed it. ``select`` supports
no descriptor above 1023 and raises ValueError, which the client treats as a closed connection. Every user beyond the first thousand
of a process would open a new connection for each request, and the measurement would include that.
"""

import select

from gevent import monkey
from gevent.socket import socket
from geventhttpclient.connectionpool import ConnectionPool

# The system's poll: gevent's would go through the event loop.
poll = monkey.get_original("select", "poll")


def is_idle(_: ConnectionPool, connection: socket | None) -> bool:
    """Return whether a connection is open and has nothing to read. All that an idle connection can have to read is its end."""
    if connection is None or connection.fileno() < 0:
        return False
    asked = poll()
    asked.register(connection.fileno(), select.POLLIN)
    return not asked.poll(0)


def keep_connections() -> None:
    """Replace the client's own check."""
    ConnectionPool._is_socket_alive = is_idle

"""Gunicorn's gthread worker with a shutdown that ends event streams and serves the backlog. Compare gunicorn/sync.py."""

import time
from typing import Any

from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from twogates.server import shutdown


class Worker(ThreadWorker):
    """The gthread worker, with the same shutdown as our sync worker.

    Gunicorn's own worker lets an event stream run to its end, at most 30 s. It resets connections in the backlog when the last
    worker closes the socket.
    """

    def set_accept_enabled(self, enabled: bool) -> None:
        super().set_accept_enabled(enabled)
        if not enabled and not self.alive and not shutdown.left():
            self.leave()

    def leave(self) -> None:
        """End event streams, accept the connections in the backlog, and refuse later ones."""
        shutdown.leave()
        for listener in self.sockets:
            for _ in range(self.cfg.backlog):
                before = self.nr_conns
                self.accept(listener)
                if self.nr_conns == before:  # the backlog is empty
                    break
            # Close now, not after the last request: connections that arrive in between would be reset.
            listener.close()
        # Close a connection without a request as early as an idle keep-alive connection. Default: after KEEPALIVE.
        latest = time.monotonic() + STOP_KEEPALIVE_LINGER
        for connection in self.pending_conns:
            connection.timeout = min(connection.timeout, latest)

    def handle_quit(self, sig: Any, frame: Any) -> None:
        shutdown.leave()  # Python waits for all threads before it exits
        super().handle_quit(sig, frame)

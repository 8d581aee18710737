"""Gunicorn's gthread worker with a shutdown that ends event streams and serves the backlog. Compare gunicorn/sync.py."""

import time
from typing import Any

from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from twogates.server import shutdown as leaving


class Worker(ThreadWorker):
    """The gthread worker, which at its end does what our sync worker does.

    Gunicorn's own lets an event stream run to its end, at most 30 s, and resets connections that wait in the backlog when
    the last worker closes the socket.
    """

    def set_accept_enabled(self, enabled: bool) -> None:
        super().set_accept_enabled(enabled)
        if not enabled and not self.alive and not leaving.left():
            self.leave()

    def leave(self) -> None:
        """End event streams, accept what waits in the backlog, and refuse what comes later."""
        leaving.leave()
        for listener in self.sockets:
            for _ in range(self.cfg.backlog):
                before = self.nr_conns
                self.accept(listener)
                if self.nr_conns == before:  # the backlog is empty
                    break
            # Now, and not after the last request: what connects meanwhile would be reset then.
            listener.close()
        # A connection on which no request has come is kept for as long as an idle one. Default: KEEPALIVE.
        latest = time.monotonic() + STOP_KEEPALIVE_LINGER
        for connection in self.pending_conns:
            connection.timeout = min(connection.timeout, latest)

    def handle_quit(self, sig: Any, frame: Any) -> None:
        leaving.leave()  # Python waits for its threads before it ends
        super().handle_quit(sig, frame)

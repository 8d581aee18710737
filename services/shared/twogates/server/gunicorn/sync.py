"""Gunicorn's sync worker with a shutdown that serves the backlog first."""

from time import monotonic
from typing import Any

from gunicorn.workers.sync import SyncWorker

from twogates.server import shutdown


class Worker(SyncWorker):
    """The sync worker, which serves the connections in the kernel's backlog before it ends.

    All workers of a service share its listening socket, which stays open until the last worker has ended. Gunicorn's own worker
    accepts no connection after the signal to stop. A client that connects while another worker finishes its request would wait
    in the backlog and then be reset. Nginx retries a GET on another replica; the client of a POST sees a 502.
    """

    def run(self) -> None:
        super().run()
        # After a HUP under full load, the backlog never becomes empty. The new workers serve the rest; our last request must end in time.
        deadline = monotonic() + self.cfg.graceful_timeout / 2
        for listener in self.sockets:
            while monotonic() < deadline and self.takes_one(listener):
                self.notify()
            # Close now, not when the process ends, which takes a moment: connections that arrive in between would be lost.
            listener.close()

    def handle_exit(self, sig: Any, frame: Any) -> None:
        shutdown.leave()  # an event stream would delay the shutdown
        super().handle_exit(sig, frame)

    def takes_one(self, listener: Any) -> bool:
        """Serve one connection from the backlog. Return False if the backlog is empty."""
        try:
            self.accept(listener)
        except ConnectionAbortedError:  # the client has disconnected
            return True
        except OSError:  # the backlog is empty
            return False
        return True

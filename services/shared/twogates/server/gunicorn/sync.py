"""Gunicorn's sync worker with an end that loses nobody who is connected already."""

from time import monotonic
from typing import Any

from gunicorn.workers.sync import SyncWorker

from twogates.server import shutdown as leaving


class Worker(SyncWorker):
    """The sync worker, which takes what the kernel has accepted for it before it ends.

    The socket on which a service listens is shared by its workers, and open until the last of them has ended. Gunicorn's own
    worker looks at it no more once it is told to stop: whoever connects while another worker still ends its request waits
    there, and is reset. A GET is sent to another replica then; the client of a POST sees a 502.
    """

    def run(self) -> None:
        super().run()
        # A line that never ends, as after a HUP under full load, is the new workers': what is in hand then must end in time.
        deadline = monotonic() + self.cfg.graceful_timeout / 2
        for listener in self.sockets:
            while monotonic() < deadline and self.takes_one(listener):
                self.notify()
            # At once, and not with the process, whose end takes a while: what connects meanwhile would be lost again.
            listener.close()

    def handle_exit(self, sig: Any, frame: Any) -> None:
        leaving.leave()  # an event stream would hold the end up
        super().handle_exit(sig, frame)

    def takes_one(self, listener: Any) -> bool:
        """Serve one that waits; whether there may be another."""
        try:
            self.accept(listener)
        except ConnectionAbortedError:  # that one has left
            return True
        except OSError:  # nobody waits
            return False
        return True

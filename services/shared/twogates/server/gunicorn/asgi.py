"""Gunicorn settings for services on the Uvicorn worker: one event loop a process."""

import logging
import os
import signal
from typing import Any

from uvicorn_worker import UvicornWorker

from twogates.server.graceful_uvicorn import LingeringProtocol
from twogates.server.gunicorn.base import *
from twogates.server.gunicorn.base import settings


class Worker(UvicornWorker):
    """The Uvicorn worker with the settings that Gunicorn has no words for."""

    CONFIG_KWARGS = {
        "loop": "uvloop",  # named, not "auto": a missing package must stop the start, not slow it down
        "http": LingeringProtocol,
        # An application that cannot start must not serve. Default auto, which goes on after an exception at start.
        "lifespan": "on",
        # Open streams end this long before Gunicorn kills the worker, so that lifespan shutdown still runs. Default: never.
        "timeout_graceful_shutdown": max(1, settings.graceful_timeout - 5),
        # Of a chat's messages each would be compressed for each socket. Default on.
        "ws_per_message_deflate": False,
        # A message of an echo is small. Default 16 MiB a message, in memory, for every socket.
        "ws_max_size": 65536,
        # Seconds between two calls of callback_notify. Default: half of Gunicorn's timeout, so an orphaned worker would stay that long.
        "timeout_notify": 1,
    }

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # Written like all others (server/logs.py). The worker gives it the handlers of Gunicorn's, which has none of its own: what is
        # left to Python's last resort is no JSON.
        uvicorn = logging.getLogger("uvicorn.error")
        uvicorn.propagate = True
        uvicorn.setLevel(logging.WARNING)  # at INFO it tells of every socket

    async def callback_notify(self) -> None:
        """Report to Gunicorn's master, and end when the master is gone, as Gunicorn's own workers do. Else the port stays taken."""
        if os.getppid() != self.ppid:
            self.log.info("Parent changed, shutting down: %s", self)
            os.kill(self.pid, signal.SIGTERM)
        await super().callback_notify()


worker_class = Worker


def worker_int(worker: Any) -> None:
    """The reloader calls this on an edit, from its own thread; Uvicorn itself only listens to signals."""
    os.kill(worker.pid, signal.SIGTERM)

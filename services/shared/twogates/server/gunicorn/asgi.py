"""Gunicorn settings for services on the Uvicorn worker: one event loop per process."""

import logging
import os
import signal
from typing import Any

from uvicorn_worker import UvicornWorker

from twogates.server.graceful_uvicorn import LingeringProtocol
from twogates.server.gunicorn.base import *
from twogates.server.gunicorn.base import settings


class Worker(UvicornWorker):
    """The Uvicorn worker, with the settings that Gunicorn has no options for."""

    CONFIG_KWARGS = {
        "loop": "uvloop",  # not "auto": a missing package must stop the start, not slow the service down
        "http": LingeringProtocol,
        # An application that fails to start must not serve. Default auto, which ignores an exception at start.
        "lifespan": "on",
        # Seconds until open streams are cut: 5 s before Gunicorn kills the worker, so that lifespan shutdown still runs. Default: no limit.
        "timeout_graceful_shutdown": max(1, settings.graceful_timeout - 5),
        # Off: Uvicorn would compress each chat message again for each socket. Default on.
        "ws_per_message_deflate": False,
        # In bytes; echo messages are small. Default 16 MiB per message, in memory, for every socket.
        "ws_max_size": 65536,
        # Seconds between two calls of callback_notify. Default: half of Gunicorn's timeout; an orphaned worker would live that long.
        "timeout_notify": 1,
    }

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # Log through the root logger, as all others do (server/logs.py). UvicornWorker copies the handlers of Gunicorn's logger, which has
        # none. Python's last-resort handler would then write the record, and not as JSON.
        uvicorn = logging.getLogger("uvicorn.error")
        uvicorn.propagate = True
        uvicorn.setLevel(logging.WARNING)  # at INFO it logs every socket

    async def callback_notify(self) -> None:
        """Report to Gunicorn's master. Shut down if the master is gone, as Gunicorn's own workers do; an orphan would keep the port."""
        if os.getppid() != self.ppid:
            self.log.info("Parent changed, shutting down: %s", self)
            os.kill(self.pid, signal.SIGTERM)
        await super().callback_notify()


worker_class = Worker


def worker_int(worker: Any) -> None:
    """Stop the worker after an edit. The reloader calls this from its own thread; Uvicorn itself reacts only to signals."""
    os.kill(worker.pid, signal.SIGTERM)

"""Gunicorn settings that hold for every service on it. Each server.py adds what its worker class needs."""

import gc
import os
import signal
import sys
import time
from typing import Any

from gunicorn.glogging import Logger

from twogates.http import counters
from twogates.http.context import REQUEST_ID
from twogates.server.logs import logging_config
from twogates.server.settings import ServerSettings

settings = ServerSettings.read()

bind = f"{settings.host}:{settings.port}"
# Connections that the kernel holds for a worker that is not free yet. Gunicorn's 2048 lets a queue grow that no client
# waits for; a full backlog makes Nginx try another replica or answer 504 after its connect time-out.
backlog = settings.backlog
# A worker that does not report within this time is killed. It must exceed the longest request of a sync worker, which
# cannot report while it works. Default 30, exactly our longest request.
timeout = settings.timeout
# Nginx bounds the bytes of a request's line and headers (large_client_header_buffers) and answers in the contract's
# words; a lower bound here would answer in Gunicorn's. Defaults 4094 bytes and 100 headers.
limit_request_line = 8190
limit_request_fields = 10_000
# Longer than Nginx keeps an idle connection to a server (upstreams.conf.template), or Nginx reuses one that the server is
# closing, and the client of a POST sees a 502. A sync worker keeps none. Default 2 seconds.
keepalive = settings.keepalive
# Time for requests in flight after SIGTERM. Compose's stop_grace_period exceeds it, or the kernel ends them instead.
graceful_timeout = settings.graceful_timeout
# The heartbeat file lives in memory: on a disk, a slow write looks like a hanging worker. Default: the temporary
# directory, which a read-only container has only as tmpfs.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None
# Default on since 25.1: a socket in $HOME that takes commands without authentication. Nothing here uses it.
control_socket_disable = True
# Whose X-Forwarded-Proto and -For are believed. Default 127.0.0.1, which in a container is never Nginx.
forwarded_allow_ips = settings.trusted_proxies
logconfig_dict = logging_config(settings.log_level)


class NoAccessLog(Logger):
    """Gunicorn's logger without the access log, which Nginx writes, and without warnings of what a client sent."""

    # With logconfig_dict set, Gunicorn makes the fields of a line for every request, written or not,
    # and that is CPU time on every request.
    access_log_enabled = False

    def warning(self, msg: str, *args: object, **kwargs: Any) -> None:
        """Log a warning; a request that is malformed, or was broken off, is its client's matter."""
        if msg.startswith("Invalid request from"):
            REQUEST_ID.set("-")  # it was never read, and the id is still that of the request before it in this thread
            super().info(msg, *args, **kwargs)
        else:
            super().warning(msg, *args, **kwargs)


logger_class = NoAccessLog
reload = settings.reload
# The application is imported once, before the workers are forked from it, and they share its memory. A HUP then restarts
# workers without new code: to change code, replace the container. The reloader needs it off. Default off.
preload_app = settings.preload and not settings.reload


# So long does a server that has stopped refuse connections before its container is gone. Where a connection is refused, Nginx
# tries another replica at once and leaves this one alone; on an address that is gone it waits for its connect time-out.
REFUSING_SECONDS = 1.0


def on_exit(_server: Any) -> None:
    """Stay for a moment when all workers have ended and the port is closed. Only in a container, whose address goes with it."""
    if os.getpid() == 1:
        time.sleep(REFUSING_SECONDS)


# What tells a worker to end.
ENDS = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}


def post_fork(server: Any, _worker: Any) -> None:
    """Let a worker hear that it shall end from its first moment on, and have its counters where they are kept.

    Until a worker sets its own handlers it has those of the master, which put a signal into the master's queue: in a copy that
    nobody reads. Gunicorn tells its workers to end once. One that was born at that moment would serve on, until it is killed
    after graceful_timeout with all that it then serves.
    """
    for one in ENDS:
        signal.signal(one, lambda *_: sys.exit())
    while not server.SIG_QUEUE.empty():
        if server.SIG_QUEUE.get() in ENDS:
            sys.exit()
    if counters.wanted():
        counters.own()


def post_worker_init(_worker: Any) -> None:
    """Leave what is loaded now out of garbage collection: it is never garbage, and to look through it all holds every request up."""
    gc.freeze()

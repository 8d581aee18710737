"""Gunicorn settings that all its services share. Each server.py adds the settings of its worker class."""

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
# Connections that the kernel queues until a worker is free. With Gunicorn's default of 2048, clients give up before the queue
# is served. If the backlog is full, Nginx tries another replica or answers 504 after its connect time-out.
backlog = settings.backlog
# The master kills a worker that does not report within this many seconds. It must exceed the longest request, since a sync
# worker cannot report during a request. Default 30, exactly our longest request.
timeout = settings.timeout
# Nginx limits the bytes of the request line and headers (large_client_header_buffers) and sends the error document of our API
# contract. With a lower limit here, clients would see Gunicorn's own error page. Defaults 4094 bytes and 100 headers.
limit_request_line = 8190
limit_request_fields = 10_000
# Must be longer than Nginx keeps an idle connection to a server (upstreams.conf.template). Otherwise Nginx reuses a connection
# that the server is closing, and the client of a POST sees a 502. A sync worker has no keep-alive. Default 2 seconds.
keepalive = settings.keepalive
# Seconds for requests in flight after SIGTERM. Compose's stop_grace_period must exceed it, or SIGKILL ends the requests first.
graceful_timeout = settings.graceful_timeout
# Keeps the heartbeat file in memory. On a disk, a slow write looks like a hanging worker. Default: the temporary directory,
# which in a read-only container exists only as a tmpfs.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None
# No control socket: it is in $HOME and accepts commands without authentication. We do not use it. Default on since 25.1.
control_socket_disable = True
# Proxies whose X-Forwarded-Proto and X-Forwarded-For are trusted. Default 127.0.0.1, which in a container is never Nginx.
forwarded_allow_ips = settings.trusted_proxies
logconfig_dict = logging_config(settings.log_level)


class NoAccessLog(Logger):
    """Gunicorn's logger without the access log, which Nginx writes, and without warnings about malformed requests."""

    # With logconfig_dict set, Gunicorn builds the fields of the access log for every request, even if it writes no line.
    # That costs CPU time on every request.
    access_log_enabled = False

    def warning(self, msg: str, *args: object, **kwargs: Any) -> None:
        """Log a warning. A malformed or incomplete request is logged at INFO only, since the client caused it."""
        if msg.startswith("Invalid request from"):
            REQUEST_ID.set("-")  # the request was not parsed; the context still has the id of the thread's previous request
            super().info(msg, *args, **kwargs)
        else:
            super().warning(msg, *args, **kwargs)


logger_class = NoAccessLog
reload = settings.reload
# Imports the application once, before the master forks the workers, so that they share its memory. A HUP then restarts workers
# with the old code; to deploy new code, replace the container. Must be off for the reloader. Default off.
preload_app = settings.preload and not settings.reload


# A stopped server refuses connections for this many seconds before its container disappears. After a refused connection, Nginx tries
# another replica immediately and skips this one. For an address that no longer exists, Nginx waits for its connect time-out.
REFUSING_SECONDS = 1.0


def on_exit(_server: Any) -> None:
    """Wait briefly after all workers have ended and the port is closed. Only as PID 1 of a container, whose address disappears with it."""
    if os.getpid() == 1:
        time.sleep(REFUSING_SECONDS)


# The signals that stop a worker.
ENDS = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}


def post_fork(server: Any, _worker: Any) -> None:
    """Handle SIGTERM from the moment of the fork, and create the worker's counters if they are on.

    Until a worker sets its own handlers, it has those of the master. They put a signal into the worker's copy of the master's
    queue, which no code reads. Gunicorn signals its workers only once. A worker forked at that moment would keep serving until
    the master kills it after graceful_timeout, together with its requests in flight.
    """
    for one in ENDS:
        signal.signal(one, lambda *_: sys.exit())
    while not server.SIG_QUEUE.empty():
        if server.SIG_QUEUE.get() in ENDS:
            sys.exit()
    if counters.wanted():
        counters.own()


def post_worker_init(_worker: Any) -> None:
    """Exclude all objects loaded so far from garbage collection. They are never garbage, and scanning them delays every request."""
    gc.freeze()

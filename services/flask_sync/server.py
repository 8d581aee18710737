"""Gunicorn with sync workers: processes that hold one request each."""

from twogates.server.cpus import cpus_given
from twogates.server.gunicorn import sync as gunicorn_sync
from twogates.server.gunicorn import threads as gunicorn_threads
from twogates.server.gunicorn.base import *  # noqa: F403  a Gunicorn configuration is the names of its module
from twogates.server.gunicorn.base import settings

# A worker that waits uses no CPU, so more of them than CPUs; four at least, so that one slow request holds a quarter of
# the service and not all of it. Default 1.
workers = settings.workers or max(4, 2 * cpus_given())
# Above 1 Gunicorn takes the gthread worker in place of sync: the same application, so many requests a worker. Default 1.
threads = settings.threads
# Recycle a worker after this many requests, not all at once, as a bound on slow leaks. Safe for a sync worker, which closes
# its connection after each answer, and for gthread, which keeps its connections open for 2 s more. Default 0, never.
max_requests = 50_000
max_requests_jitter = 5_000

kind = "sync" if threads == 1 else "gthread"
worker_class = (gunicorn_sync if kind == "sync" else gunicorn_threads).Worker
slots = workers * threads

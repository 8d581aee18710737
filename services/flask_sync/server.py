"""Gunicorn with sync workers: each worker process handles one request at a time."""

from twogates.server.cpus import cpus_given
from twogates.server.gunicorn import sync as gunicorn_sync
from twogates.server.gunicorn import threads as gunicorn_threads
from twogates.server.gunicorn.base import *  # noqa: F403  Gunicorn reads its configuration from the names in this module
from twogates.server.gunicorn.base import settings

# A worker that waits uses no CPU, so there are more workers than CPUs. With at least four, one slow request blocks at most a quarter
# of the service, not all of it. Default 1.
workers = settings.workers or max(4, 2 * cpus_given())
# Above 1, the gthread worker replaces sync: the same application, but each worker handles this many requests concurrently. Default 1.
threads = settings.threads
# Recycle a worker after this many requests to limit slow leaks; the jitter keeps the workers from restarting together. Safe for sync,
# which closes its connection after each answer, and for gthread, which keeps connections open for 2 s more. Default 0: never.
max_requests = 50_000
max_requests_jitter = 5_000

kind = "sync" if threads == 1 else "gthread"
worker_class = (gunicorn_sync if kind == "sync" else gunicorn_threads).Worker
slots = workers * threads

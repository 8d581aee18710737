"""Gunicorn with threads, for Django by WSGI. Compare flask_sync/server.py; the stack's own server is in server.py."""

from twogates.server.gunicorn.base import *  # noqa: F403  a Gunicorn configuration is the names of its module
from twogates.server.gunicorn.base import settings
from twogates.server.gunicorn.threads import Worker

workers = settings.workers or 1
threads = settings.threads
worker_class = Worker
# compose.yaml has none for Django: Daphne has no such thing. As Flask's.
timeout = settings.timeout or 40
slots = workers * threads

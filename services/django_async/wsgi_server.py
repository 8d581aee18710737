"""Gunicorn with threads, for Django over WSGI. Compare flask_sync/server.py. The stack itself runs Django with server.py."""

from twogates.server.gunicorn.base import *  # noqa: F403  Gunicorn reads its configuration from the names in this module
from twogates.server.gunicorn.base import settings
from twogates.server.gunicorn.threads import Worker

workers = settings.workers or 1
threads = settings.threads
worker_class = Worker
# compose.yaml sets no TIMEOUT for Django, because Daphne has no such setting. The same value as for Flask.
timeout = settings.timeout or 40
slots = workers * threads

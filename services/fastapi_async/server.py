"""Gunicorn with Uvicorn workers: processes that each run one event loop."""

from twogates.cpus import cpus_given
from twogates.gunicorn_asgi import *  # noqa: F403  a Gunicorn configuration is the names of its module
from twogates.gunicorn_base import settings

# An event loop fills one CPU and no more; a second loop on the same CPU only adds memory. Default 1.
workers = settings.workers or cpus_given()

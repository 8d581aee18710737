"""Gunicorn with one Uvicorn worker: what there is to see is the same for all who watch, and kept in one process."""

from twogates.server.gunicorn.asgi import *  # noqa: F403  a Gunicorn configuration is the names of its module

workers = 1

"""Gunicorn with one Uvicorn worker: all viewers get the same events, and one process holds their state."""

from twogates.server.gunicorn.asgi import *  # noqa: F403  Gunicorn reads its configuration from the names in this module

workers = 1
